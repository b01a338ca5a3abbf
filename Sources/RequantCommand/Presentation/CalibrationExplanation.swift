import Comparison
import Passes
import Requant

/// Which method chose each range, in which arithmetic, and what the range does to the values: `--explain`.
struct CalibrationExplanation: Encodable {
    struct Row: Encodable {
        var name: String
        var method: String
        var minimum: Double
        var maximum: Double
        /// Values over what their codes lose of them, in dB, by the histogram.
        var signalToNoise: Double
        /// The share of the values' energy that lies beyond the range and is lost.
        var clipped: Double
        /// Of the methods that it was chosen from.
        var candidates: [Row]
    }

    /// `exact` or `mxnet`
    var arithmetic: String
    var choices: [Row]

    init(_ calibration: Calibration, _ search: RangeSearch) {
        arithmetic = search.entropySearch.rawValue
        choices = calibration.table.entries.compactMap { entry in
            calibration.choices[entry.name].map { Row(entry.name, $0) }
        }
    }

    var text: String {
        let search = arithmetic == EntropyThreshold.Search.mxnet.rawValue
            ? "entropy compares divergences in float32, bin after bin, as MXNet 1.9.1 does (--mxnet-compat)"
            : "entropy compares divergences in float64; --mxnet-compat takes MXNet 1.9.1's float32 instead"
        guard !choices.isEmpty else { return search + "\nno histograms were kept, so errors are not known\n" }
        var table = TextTable(header: ["value", "method", "min", "max", "SQNR dB", "cut off", "others, dB"], words: [0, 1, 6])
        for row in choices {
            let others = row.candidates.filter { $0.method != row.method }
                .map { "\($0.method) \(Wording.number($0.signalToNoise))" }
            table.add([
                row.name, row.method, Wording.number(row.minimum), Wording.number(row.maximum),
                Wording.number(row.signalToNoise), Wording.percent(row.clipped), others.commaSeparated,
            ])
        }
        return search + "\n" + table.text
    }
}

extension CalibrationExplanation.Row {
    fileprivate init(_ name: String, _ choice: RangeSearch.Choice) {
        self.init(
            name: name, method: choice.method.rawValue, minimum: Double(choice.range.min),
            maximum: Double(choice.range.max), signalToNoise: choice.error.signalToNoise,
            clipped: choice.error.clipping, candidates: choice.candidates.map { Self(name, $0) })
    }
}
