import Foundation
import GraphIR
import Passes
import TensorCore

/// Runs a search with a journal, and sums up what it found.
final class Tuner {
    private let options: TuningOptions
    private let evaluator: TuningEvaluator
    private var layers: [TuningLayer] { evaluator.layers.layers }
    private var journal: TuningJournal
    private let progress: (Int, Int) -> Void
    private var done: [TuningTrial.Configuration: TuningTrial] = [:]
    /// Of a trial with everything in int8.
    private var trialDuration = Duration.zero
    private var reason = ""

    init(
        options: TuningOptions, evaluator: TuningEvaluator, journal: TuningJournal,
        progress: @escaping (Int, Int) -> Void
    ) {
        self.options = options
        self.evaluator = evaluator
        self.journal = journal
        self.progress = progress
    }

    func result() throws -> TuningResult {
        let outcome = try TuningSearch(
            layers: layers, goal: options.goal, referenceTop1: evaluator.data.referenceTop1, measure: measure,
            chooseSensitivity: chooseSensitivity
        ).run()
        let chosen = outcome.chosen
        let final = try evaluator.quantized(chosen.configuration)
        let speed = try? profiled(outcome.methods[0].configuration)
        func point(_ trial: TuningTrial) -> TuningResult.Point {
            TuningResult.Point(
                trial: trial, duration: speed?.duration(excluding: trial.configuration.excluded),
                isChosen: trial == chosen)
        }
        let excluded = Set(chosen.configuration.excluded)
        return TuningResult(
            goal: options.goal, isMet: options.goal.isMet(by: chosen, referenceTop1: evaluator.data.referenceTop1),
            samples: evaluator.data.samples, referenceTop1: evaluator.data.referenceTop1,
            sensitivity: outcome.sensitivity, sensitivityReason: reason, methods: outcome.methods.map(point),
            layers: layers.map { layer in
                TuningResult.Layer(
                    name: layer.name, sqnr: outcome.sensitivities[layer.name]?.sqnr ?? .infinity,
                    floatDuration: speed?.floatLayers[layer.name], int8Duration: speed?.int8Layers[layer.name],
                    staysFloat: excluded.contains(layer.name),
                    method: chosen.configuration.overrides[layer.result] ?? chosen.configuration.method)
            },
            frontier: Self.frontier(done.values.map(point)), chosen: point(chosen), floatDuration: speed?.float,
            trials: done.count, resumed: min(journal.resumed, done.count), model: final.model,
            exclusions: evaluator.layers.withFollowers(chosen.configuration.excluded),
            table: evaluator.ranges.table(for: chosen.configuration))
    }

    // MARK: Trials

    private func measure(_ configuration: TuningTrial.Configuration) throws -> TuningTrial {
        if let known = done[configuration] { return known }
        let trial: TuningTrial
        if let known = journal[configuration] {
            trial = known
        } else {
            let clock = ContinuousClock(), start = clock.now
            trial = try evaluator.measure(configuration)
            if configuration.excluded.isEmpty { trialDuration = start.duration(to: clock.now) }
            try journal.add(trial)
        }
        done[configuration] = trial
        progress(done.count, max(expectedTrials, done.count))
        return trial
    }

    /// The methods and the layers for certain; then, if the goal is not met by then, about as many again.
    private var expectedTrials: Int {
        let certain = TuningRanges.methods.count + layers.count
        guard done.count >= certain || !done.values.contains(where: isMet) else { return certain }
        return certain + 24 + layers.count.bitWidthOfValue * 2
    }

    private func isMet(_ trial: TuningTrial) -> Bool {
        trial.configuration.excluded.isEmpty
            && options.goal.isMet(by: trial, referenceTop1: evaluator.data.referenceTop1)
    }

    /// Trials with nearly everything in int8 take about as long as that; with nearly everything in float as the float model.
    private func chooseSensitivity() throws -> TuningSensitivity {
        if let given = options.sensitivity {
            reason = "as asked"
            return given
        }
        if let known = journal.contents.sensitivity {
            reason = "as the journal has it"
            return known
        }
        let float = evaluator.data.duration
        let choice: TuningSensitivity = trialDuration <= float ? .aloneInFloat : .aloneInInt8
        reason = "the data takes \(trialDuration.hundredths) s in int8, \(float.hundredths) s in float"
        try journal.setSensitivity(choice)
        return choice
    }

    // MARK: Speed

    private func profiled(_ int8: TuningTrial.Configuration) throws -> TuningSpeed {
        var timing = TimingOptions()
        timing.arithmetic = options.run.arithmetic
        timing.threads = options.run.threads
        timing.rounds = 5
        let shapes = evaluator.data.shapes
        func shaped(_ model: Model) throws -> Model {
            var model = model
            try model.annotate(shapes: shapes.filter { model.graph.value(named: $0.key) != nil })
            return model
        }
        return try TuningSpeed(
            float: try shaped(evaluator.float), int8: try shaped(evaluator.quantized(int8).model), layers, timing)
    }

    /// The points that no other beats in both; where no time is known, all of them.
    static func frontier(_ points: [TuningResult.Point]) -> [TuningResult.Point] {
        let sorted = points.sorted {
            ($0.duration ?? .zero, -$0.trial.sqnr) < ($1.duration ?? .zero, -$1.trial.sqnr)
        }
        var best = -Double.infinity
        return sorted.filter { point in
            guard point.trial.sqnr > best || point.isChosen else { return false }
            best = max(best, point.trial.sqnr)
            return true
        }
    }
}

extension Int {
    /// ⌈log2(n + 1)⌉
    fileprivate var bitWidthOfValue: Int { Int.bitWidth - leadingZeroBitCount }
}

extension Duration {
    fileprivate var hundredths: String { String(format: "%.2f", self / .seconds(1)) }
}
