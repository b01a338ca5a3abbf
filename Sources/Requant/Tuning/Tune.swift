import Datasets
import GraphIR
import Operators
import Passes
import TensorCore

/// How a model is tuned.
public struct TuningOptions: Sendable {
    /// What the model has to reach.
    public var goal = TuningGoal()
    /// The choices of quantization; its exclusions stay in float in every trial.
    public var recipe = QuantizationRecipe()
    /// How models are run.
    public var run = RunOptions()
    /// How sensitivity is measured; nil for what runs faster.
    public var sensitivity: TuningSensitivity?
    /// A file that keeps what was found, to go on from.
    public var journal: String?

    /// A drop of nothing.
    public init() {}
}

/// What a tuning is at.
public enum TuningStep: Sendable {
    case reading, calibrating
    /// Trials done, and about how many there will be.
    case trying
}

extension Model {
    /// Finds the fewest layers to leave in float, and the ranges, so that the quantized model meets a goal; see
    /// `TuningSearch`.
    ///
    /// - Parameters:
    ///   - options: the goal, and how trials are made.
    ///   - dataset: what trials are measured on.
    ///   - calibration: what ranges are found on; by default the same data.
    ///   - progress: called with the step, how much of it is done, and of how much.
    /// - Throws: `ModelError` for models that cannot be quantized, a goal that needs labels where there are none, and a
    ///   journal of something else.
    public func tuned(
        _ options: TuningOptions, on dataset: Dataset, calibration: Dataset? = nil,
        progress: @escaping (TuningStep, Int, Int) -> Void = { _, _, _ in }
    ) throws -> TuningResult {
        try requireComplete()
        let float = options.recipe.fuses ? try fused(arithmetic: options.recipe.fusion).model : self
        let layers = try TuningLayers(of: float.graph, options.recipe.options)
        guard !layers.layers.isEmpty else { throw ModelError("has no layers that can be quantized", at: graph.name) }
        let reference = ModelRunner(
            self, engine: options.run.engine, arithmetic: options.run.arithmetic, threads: options.run.threads)
        let data = try TuningData(dataset, reference, options.run) { progress(.reading, $0, $1) }
        if options.goal.maximumDrop != nil, data.referenceTop1 == nil {
            throw ModelError(
                "has no labels, or the model's first output is no logits", at: "the data",
                advice: "give labels, or a goal of another kind (--min-sqnr)")
        }
        var journal = try TuningJournal(
            options.journal, model: fingerprint(of: float), data: data.fingerprint.text,
            settings: options.settings(calibratesElsewhere: calibration))
        let ranges = try options.ranges(of: float, layers, calibration ?? dataset, &journal) {
            progress(.calibrating, $0, $1)
        }
        return try Tuner(
            options: options,
            evaluator: TuningEvaluator(
                float: float, layers: layers, data: data, ranges: ranges, recipe: options.recipe, options: options.run),
            journal: journal
        ) { progress(.trying, $0, $1) }.result()
    }

    private func fingerprint(of float: Model) -> String {
        var fingerprint = Fingerprint()
        for id in float.graph.topologicalOrder() {
            let node = float.graph[id]
            fingerprint.add(node.name)
            fingerprint.add(node.op)
            for (name, value) in node.attributes { fingerprint.add("\(name)=\(value)") }
            for case let input? in node.inputs {
                fingerprint.add(float.graph[input].name)
                if let tensor = float.graph[input].tensor { fingerprint.add(tensor) }
            }
        }
        return fingerprint.text
    }
}

extension TuningOptions {
    /// What results depend on beside model and data. The goal is not part of it: another goal uses the same trials.
    fileprivate func settings(calibratesElsewhere calibration: Dataset?) -> String {
        let choices = recipe.options
        return [
            choices.codeType.rawValue, choices.mode.rawValue, choices.granularity.rawValue,
            choices.excludedNames.sorted().commaSeparated, choices.excludedOperators.sorted().commaSeparated,
            "\(recipe.arithmetic)", "\(recipe.percentile)", "\(recipe.postFuses)", "\(run.arithmetic)", "\(run.engine)",
            "\(run.batchSize)", calibration.map { "\($0.count) others" } ?? "the same data",
        ].joined(separator: "; ")
    }

    fileprivate func ranges(
        of float: Model, _ layers: TuningLayers, _ dataset: Dataset, _ journal: inout TuningJournal,
        _ progress: (Int, Int) -> Void
    ) throws -> TuningRanges {
        let order = float.calibratableValues.filter(layers.values.contains)
        if !journal.contents.ranges.isEmpty { return TuningRanges(journal.contents.ranges, order: order) }
        var search = recipe.search
        search.method = .best
        let found = TuningRanges(
            try float.calibrate(
                order, on: dataset, batchSize: run.batchSize, batches: run.batches, search: search, engine: run.engine,
                threads: run.threads, progress: progress))
        try journal.setRanges(found.ranges)
        return found
    }
}
