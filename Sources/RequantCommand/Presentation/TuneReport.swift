import Comparison
import Foundation
import Requant

/// What a tuning found; `Schemas/tune.schema.json` describes its JSON.
struct TuneReport: Encodable {
    struct Layer: Encodable {
        var name: String
        /// In dB, of the outputs when this layer alone is in float, or alone in int8.
        var sqnr: Double
        var floatSeconds: Double?
        var int8Seconds: Double?
        var staysFloat: Bool
        var method: String
    }

    struct Trial: Encodable {
        var method: String
        /// Values whose ranges another method chose.
        var overrides: [String: String]
        var excluded: [String]
        var sqnr: Double
        var top1: Double?
        var seconds: Double?
        /// Over the float model.
        var speedup: Double?
        var isChosen: Bool
    }

    var model: String
    var files: [String]
    var goal: TuningGoal
    var isMet: Bool
    var samples: Int
    var referenceTop1: Double?
    var floatSeconds: Double?
    var sensitivity: String
    var sensitivityReason: String
    var trials: Int
    var resumed: Int
    /// Everything in int8, by method.
    var methods: [Trial]
    var layers: [Layer]
    /// The fastest first.
    var frontier: [Trial]
    var chosen: Trial

    init(_ result: TuningResult, model: String, files: [String]) {
        self.model = model
        self.files = files
        goal = result.goal
        isMet = result.isMet
        samples = result.samples
        referenceTop1 = result.referenceTop1
        floatSeconds = result.floatDuration.map { $0 / .seconds(1) }
        sensitivity = result.sensitivity.rawValue
        sensitivityReason = result.sensitivityReason
        trials = result.trials
        resumed = result.resumed
        let float = result.floatDuration
        methods = result.methods.map { Trial($0, float) }
        frontier = result.frontier.map { Trial($0, float) }
        chosen = Trial(result.chosen, float)
        layers = result.layers.map {
            Layer(
                name: $0.name, sqnr: $0.sqnr, floatSeconds: $0.floatDuration.map { $0 / .seconds(1) },
                int8Seconds: $0.int8Duration.map { $0 / .seconds(1) }, staysFloat: $0.staysFloat, method: $0.method)
        }
    }

    // MARK: Text

    var text: String {
        [methodTable, layerTable, frontierTable, summary].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var hasLabels: Bool { referenceTop1 != nil }

    private var methodTable: String {
        var table = TextTable(header: ["all in int8", "SQNR dB"] + (hasLabels ? ["top-1"] : []))
        for trial in methods { table.add([trial.method, Self.tenths(trial.sqnr)] + Self.top1(trial)) }
        return table.text
    }

    private var layerTable: String {
        let title = sensitivity == TuningSensitivity.aloneInFloat.rawValue ? "alone in float" : "alone in int8"
        var table = TextTable(
            header: ["layer, \(title)", "SQNR dB", "float ms", "int8 ms", "method", "stays"], words: [0, 4, 5])
        let inFloat = sensitivity == TuningSensitivity.aloneInFloat.rawValue
        for layer in layers.sorted(by: { inFloat ? $0.sqnr > $1.sqnr : $0.sqnr < $1.sqnr }) {
            table.add([
                layer.name, Self.tenths(layer.sqnr), Self.milliseconds(layer.floatSeconds),
                Self.milliseconds(layer.int8Seconds), layer.method, layer.staysFloat ? "float" : "int8",
            ])
        }
        return table.text + "measured \(title): \(sensitivityReason)\n"
    }

    private var frontierTable: String {
        var table = TextTable(
            header: ["in float", "SQNR dB"] + (hasLabels ? ["top-1"] : []) + ["ms", "× float", "", "layers"],
            words: hasLabels ? [5, 6] : [4, 5])
        for trial in frontier {
            table.add(
                ["\(trial.excluded.count)", Self.tenths(trial.sqnr)] + Self.top1(trial)
                    + (hasLabels && trial.top1 == nil ? [""] : [])
                    + [
                        Self.milliseconds(trial.seconds), trial.speedup.map { String(format: "%.2f", $0) } ?? "",
                        trial.isChosen ? "chosen" : "", Wording.list(trial.excluded, limit: 3),
                    ])
        }
        return table.text
    }

    private var summary: String {
        var lines: [String] = []
        if let before = referenceTop1, let after = chosen.top1 {
            lines.append("top-1      \(Wording.percent(before)) → \(Wording.percent(after)) of \(samples) samples")
        }
        lines.append("SQNR       \(Self.tenths(chosen.sqnr)) dB")
        if let speedup = chosen.speedup {
            lines.append("speed      \(String(format: "%.2f", speedup)) × float, by the profile of the layers")
        }
        lines.append("in float   \(chosen.excluded.isEmpty ? "no layer" : Wording.list(chosen.excluded, limit: 8))")
        lines.append("goal       \(isMet ? "met" : "NOT met")")
        lines.append("trials     \(trials)" + (resumed > 0 ? ", \(resumed) of them resumed" : ""))
        lines.append("written    \(files.joined(separator: ", "))")
        return lines.map { $0 + "\n" }.joined()
    }

    private static func top1(_ trial: Trial) -> [String] { trial.top1.map { [Wording.percent($0)] } ?? [] }
    private static func tenths(_ value: Double) -> String {
        value.isInfinite ? value > 0 ? "∞" : "-∞" : String(format: "%.1f", value)
    }
    private static func milliseconds(_ seconds: Double?) -> String {
        seconds.map { String(format: "%.3f", $0 * 1000) } ?? ""
    }
}

extension TuneReport.Trial {
    init(_ point: TuningResult.Point, _ float: Duration?) {
        let trial = point.trial
        method = trial.configuration.method
        overrides = trial.configuration.overrides
        excluded = trial.configuration.excluded
        sqnr = trial.sqnr
        top1 = trial.top1
        seconds = point.duration.map { $0 / .seconds(1) }
        speedup = float.flatMap { float in point.duration.map { float / max($0, .nanoseconds(1)) } }
        isChosen = point.isChosen
    }
}
