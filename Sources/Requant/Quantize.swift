import Datasets
import GraphIR
import Operators
import Passes
import TensorCore

/// How a model is to be quantized: MXNet's flow "Quantize with MKL-DNN backend", with its choices.
public struct QuantizationRecipe: Sendable {
    /// What is quantized, and to what.
    public var options = QuantizationOptions()
    /// How ranges are chosen.
    public var method: CalibrationMethod = .naive
    /// Fuses before quantizing.
    public var fuses = true
    /// Whether to fuse what MXNet 1.9.1 fuses even where that changes the numbers.
    public var fusion = Arithmetic.exact
    /// Fuses calibrated ranges into the layers afterwards.
    public var postFuses = true
    /// Only values whose names match are calibrated; the others find their ranges at run time.
    public var layerFilter: (@Sendable (String) -> Bool)?
    /// Used instead of calibrating.
    public var ranges: RangeTable?
    /// In 0…100, for the method `percentile`.
    public var percentile = 99.99
    /// Whether thresholds shall be MXNet's to the last bit.
    public var arithmetic = Arithmetic.exact
    /// Calibration goes on from these.
    public var histograms: [String: Histogram] = [:]
    /// Samples that calibration runs at once.
    public var batchSize = 32
    /// Only the first so many batches; nil for all.
    public var batches: Int?
    /// What computes the float model.
    public var engine: EngineChoice = .onednn
    /// That oneDNN may use; nil for all.
    public var threads: Int?

    /// MXNet's usual choices, with naive calibration.
    public init() {}

    /// How a range is chosen.
    public var search: RangeSearch {
        var search = RangeSearch(method)
        search.percentile = percentile
        search.allowsUnsigned = options.codeType != .int8
        search.entropySearch = arithmetic == .mxnet ? .mxnet : .exact
        return search
    }
}

/// A stage of the flow, as it can be saved.
public struct QuantizationStage: Sendable {
    /// `01-fp32`, `02-fused`, `03-quantized`, `04-calibrated`, `05-postfused`.
    public var name: String
    /// The model at that stage.
    public var model: Model
    /// What making it from the stage before took.
    public var duration: Duration = .zero
}

/// What the flow made.
public struct QuantizationResult: Sendable {
    /// In order; the first is the float model.
    public var stages: [QuantizationStage]
    /// The ranges that were found or given, and what they were chosen from; nil if each run finds them.
    public var calibration: Calibration?
    /// The ranges; nil if each run finds them.
    public var table: RangeTable? { calibration?.table }
    /// What each pass did, or why it did not.
    public var records: [PassRecord]
    /// What a user should know, with what to do.
    public var warnings: [String]

    /// The last stage.
    public var model: Model { stages[stages.count - 1].model }

    /// Writes every stage into a folder, as checkpoints of the stages' names.
    public func saveStages(to folder: String) throws {
        try FileOutput.makeFolder(folder)
        for stage in stages { try stage.model.saveCheckpoint(to: "\(folder)/\(stage.name)") }
    }
}

extension Model {
    /// Fuses as MXNet's backend MKLDNN_QUANTIZE does: float layers with what follows them; on a calibrated quantized
    /// model, calibrated ranges with their layers.
    public func fused(
        _ backend: FusionBackend = .quantize, arithmetic: Arithmetic = .exact
    ) throws -> (model: Model, records: [PassRecord]) {
        try run(Pipelines.fuse(backend, arithmetic: arithmetic))
    }

    func run(_ pipeline: Pipeline) throws -> (model: Model, records: [PassRecord]) {
        let (graph, records) = try PipelineRunner().run(pipeline, on: graph)
        var model = self
        model.graph = graph
        // The file's own graph is another from now on.
        model.source = nil
        try model.annotate()
        return (model, records)
    }

    /// The whole flow with MXNet's usual choices, calibrated with all of the data.
    /// - Parameters:
    ///   - dataset: what to calibrate with.
    ///   - method: how ranges are chosen; `naive` takes the extremes.
    /// - Throws: `ModelError` if the model lacks parameters or the data does not fit.
    public func quantized(_ method: CalibrationMethod = .naive, on dataset: Dataset) throws -> QuantizationResult {
        var recipe = QuantizationRecipe()
        recipe.method = method
        return try quantized(recipe, dataset: dataset)
    }

    /// The whole flow: fuse, quantize, calibrate, fuse again.
    /// - Parameters:
    ///   - recipe: what to quantize, and how ranges are found.
    ///   - dataset: what to calibrate with; nil if the recipe has ranges, or none are wanted.
    ///   - progress: called after each batch with the number of batches done and of all.
    /// - Throws: `ModelError` if the model lacks parameters, or for exclusions and ranges that match nothing.
    public func quantized(
        _ recipe: QuantizationRecipe, dataset: Dataset? = nil, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> QuantizationResult {
        try requireComplete()
        if let quantized = graph.topologicalOrder().map({ graph[$0] }).first(where: { $0.op == "Quantize" }) {
            throw ModelError(
                "is quantized already: it has '\(quantized.name)'", at: graph.name, advice: "start from the float model"
            )
        }
        var result = QuantizationResult(
            stages: [.init(name: "01-fp32", model: self)], records: [], warnings: [])
        let clock = ContinuousClock()
        var lastEnd = clock.now
        func add(_ name: String, _ pipeline: Pipeline) throws {
            let (model, records) = try result.model.run(pipeline)
            result.stages.append(.init(name: name, model: model, duration: lastEnd.duration(to: clock.now)))
            result.records += records
            lastEnd = clock.now
        }
        if recipe.fuses { try add("02-fused", Pipelines.fuse(arithmetic: recipe.fusion)) }
        let float = result.model
        try add("03-quantized", Pipelines.quantize(recipe.options))
        let points = CalibrationPoints.names(for: result.model.graph)
        guard let calibration = try calibration(recipe, of: float, points, dataset, progress) else { return result }
        result.calibration = calibration
        result.warnings += calibration.warnings
        try add("04-calibrated", Pipelines.calibrate(calibration.table.ranges))
        if recipe.postFuses { try add("05-postfused", Pipelines.fuse) }
        return result
    }

    private func calibration(
        _ recipe: QuantizationRecipe, of float: Model, _ points: [String], _ dataset: Dataset?,
        _ progress: (Int, Int) -> Void
    ) throws -> Calibration? {
        if let given = recipe.ranges {
            try given.require(fitting: Set(points).union(float.calibratableValues), of: graph.name)
            return Calibration(table: given)
        }
        guard recipe.method != .none else { return nil }
        guard let dataset else {
            throw ModelError("data is needed to calibrate with", advice: "give it with --data, or use --calibrate none")
        }
        var values: [String] = []
        for point in points where !values.contains(point) && recipe.layerFilter?(point) ?? true { values.append(point) }
        guard !values.isEmpty else {
            throw ModelError(
                "the filter of layers matches none",
                advice: "it is matched against \(points.prefix(3).joined(separator: ", ")) …")
        }
        return try float.calibrate(
            values, on: dataset, batchSize: recipe.batchSize, batches: recipe.batches, search: recipe.search,
            from: recipe.histograms.filter { values.contains($0.key) }, engine: recipe.engine, threads: recipe.threads,
            progress: progress)
    }
}
