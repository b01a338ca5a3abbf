import Comparison
import Datasets
import GraphIR
import TensorCore

/// What a comparison looks at beside the outputs.
public struct DiffOptions: Sendable {
    public var run = RunOptions()
    /// Compares layer by layer.
    public var comparesLayers = false
    /// Looks for the layer at which the models part; needs `comparesLayers`.
    public var firstDivergence: FirstDivergence.Criterion?

    public init() {}
}

extension Model {
    /// Runs two models over the same data and measures how far the candidate is from this one, which counts as right.
    ///
    /// Layers are aligned by their origins. Codes are compared as the real values that they stand for, and as codes
    /// where both models put them on the same grid. Nothing is kept of a batch but what was measured.
    /// - Parameter names: what the report calls the two; by default the names of their graphs.
    /// - Throws: `ModelError` for models that do not have the same inputs or as many outputs.
    public func compare(
        with candidate: Model, names: (reference: String, candidate: String)? = nil, on dataset: Dataset,
        _ options: DiffOptions = DiffOptions(), progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> ComparisonReport {
        var diff = try StreamingDiff(collapsed(), candidate.collapsed(), options)
        var batches = dataset.batches(of: options.run.batchSize, limit: options.run.batches)
        var (samples, done) = (0, 0)
        while let batch = try batches.next() {
            try diff.add(batch)
            samples += batch.range.count
            done += 1
            progress(done, batches.count)
        }
        return diff.report(names ?? (graph.name, candidate.graph.name), samples: samples, options.firstDivergence)
    }

    /// The values that can be compared with another model's, as alignment sees them: for each node of the file, the
    /// last value that stems from it. A requantized result stands for the sums before it.
    fileprivate var comparableLayers: [LayerAlignment.Layer] {
        let nodes = graph.topologicalOrder().map { graph[$0] }
        let last = Dictionary(nodes.map { ($0.origin, $0.id) }) { _, later in later }
        let inputs = graph.inputs.map { graph[$0].name }.filter { last[$0] == nil }
        return inputs.map { LayerAlignment.Layer(value: $0, origin: $0) }
            + nodes.filter { last[$0.origin] == $0.id }.flatMap { node in
                node.outputs.map {
                    LayerAlignment.Layer(value: graph[$0].name, origin: node.origin, origins: node.origins)
                }
            }
    }
}

/// Measures batch by batch.
private struct StreamingDiff {
    private let reference: ModelRunner
    private let candidate: ModelRunner
    private let alignment: LayerAlignment?
    /// Aligned values that at least one model computes.
    private let pairs: [LayerAlignment.Pair]
    private var measured: [LayerAlignment.Pair: Measurement] = [:]
    private var outputs: [(pair: LayerAlignment.Pair, metrics: TensorMetrics)]
    private var classification: ClassificationMetrics? = ClassificationMetrics()

    private struct Measurement {
        var metrics = TensorMetrics()
        var codes: CodeMetrics?
    }

    /// A value of the batch at hand.
    private struct Observation {
        var stored: Tensor
        var real: Tensor
    }

    init(_ reference: Model, _ candidate: Model, _ options: DiffOptions) throws {
        func runner(_ model: Model) -> ModelRunner {
            ModelRunner(
                model, engine: options.run.engine, arithmetic: options.run.arithmetic, threads: options.run.threads)
        }
        (self.reference, self.candidate) = (runner(reference), runner(candidate))
        let (a, b) = (self.reference.outputs, self.candidate.outputs)
        guard a.count == b.count else {
            throw ModelError("the reference has \(a.count) outputs and the candidate \(b.count)")
        }
        outputs = zip(a, b).map { (.init(reference: $0, candidate: $1, origin: $0), TensorMetrics()) }
        guard options.comparesLayers else {
            (alignment, pairs) = (nil, [])
            return
        }
        let aligned = LayerAlignment(reference: reference.comparableLayers, candidate: candidate.comparableLayers)
        alignment = aligned
        let inputs = Set(self.reference.inputs), others = Set(self.candidate.inputs)
        pairs = aligned.pairs.filter { !inputs.contains($0.reference) || !others.contains($0.candidate) }
    }

    mutating func add(_ batch: Batch) throws {
        let (references, expected) = try observe(reference, batch, pairs.map(\.reference))
        let (candidates, found) = try observe(candidate, batch, pairs.map(\.candidate))
        for pair in pairs {
            guard let a = references[pair.reference], let b = candidates[pair.candidate] else { continue }
            try add(pair, a, b)
        }
        for (index, (a, b)) in zip(expected, found).enumerated() {
            try locating("output '\(outputs[index].pair.candidate)'") {
                try outputs[index].metrics.add(reference: a, candidate: b)
            }
        }
        if let a = expected.first, let b = found.first { classification.add(a, b, labels: batch.labels) }
    }

    /// The values of one model.
    private func observe(
        _ runner: ModelRunner, _ batch: Batch, _ names: [String]
    ) throws -> (values: [String: Observation], outputs: [Tensor]) {
        var values: [String: Observation] = [:]
        let outputs = try runner.run(batch.inputs, observing: Set(names)) { name, tensor in
            values[name] = runner.dequantized(tensor, of: name).map { Observation(stored: tensor, real: $0) }
        }
        return (values, outputs)
    }

    private mutating func add(_ pair: LayerAlignment.Pair, _ a: Observation, _ b: Observation) throws {
        // Layers that are stored in another shape, such as before and after a Flatten, hold the same elements.
        guard a.real.elementCount == b.real.elementCount else { return }
        var measurement = measured[pair] ?? Measurement()
        try measurement.metrics.add(reference: a.real, candidate: b.real.reshaped(a.real.shape))
        if sharesGrid(pair), a.stored.dataType == b.stored.dataType, a.stored.dataType.isCode {
            var codes = measurement.codes ?? CodeMetrics()
            try codes.add(reference: a.stored, candidate: b.stored.reshaped(a.stored.shape))
            measurement.codes = codes
        }
        measured[pair] = measurement
    }

    /// Whether both values are codes that mean the same.
    private func sharesGrid(_ pair: LayerAlignment.Pair) -> Bool {
        guard case .grid(let unit, let zero)? = reference.codes(of: pair.reference),
            case .grid(let otherUnit, let otherZero)? = candidate.codes(of: pair.candidate)
        else { return false }
        return unit == otherUnit && zero == otherZero
    }

    func report(
        _ names: (reference: String, candidate: String), samples: Int, _ criterion: FirstDivergence.Criterion?
    ) -> ComparisonReport {
        ComparisonReport(
            reference: names.reference, candidate: names.candidate, samples: samples,
            outputs: outputs.map { LayerComparison($0.pair, $0.metrics) },
            layers: pairs.compactMap { pair in
                measured[pair].map { LayerComparison(pair, $0.metrics, codes: $0.codes) }
            },
            alignment: alignment, classification: classification, firstDivergence: criterion)
    }
}
