import Comparison
import Datasets
import GraphIR
import TensorCore

/// Measures how far a candidate is from a reference, batch by batch.
struct StreamingDiff {
    private let reference: ModelRunner
    private let candidate: ModelRunner
    private let alignment: LayerAlignment?
    /// Aligned values that at least one model computes.
    private let pairs: [LayerAlignment.Pair]
    private var isolation: LayerIsolation?
    private var measured: [LayerAlignment.Pair: LayerMeasurement] = [:]
    private var outputs: [(pair: LayerAlignment.Pair, metrics: TensorMetrics)]
    private var classification: ClassificationMetrics? = ClassificationMetrics()
    private var worst = WorstSamples()

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
            (alignment, pairs, isolation) = (nil, [], nil)
            return
        }
        let aligned = LayerAlignment(reference: reference.comparableLayers, candidate: candidate.comparableLayers)
        alignment = aligned
        let inputs = Set(self.reference.inputs), others = Set(self.candidate.inputs)
        pairs = aligned.pairs.filter { !inputs.contains($0.reference) || !others.contains($0.candidate) }
        isolation = LayerIsolation(candidate, pairs, options.run)
    }

    /// - Parameter name: what to call a sample.
    mutating func add(_ batch: Batch, name: (Int) -> String?) throws {
        let (references, expected) = try reference.observe(batch, pairs.map(\.reference))
        let (candidates, found) = try candidate.observe(batch, pairs.map(\.candidate))
        let alone = isolation?.run(batch, references: references, candidates: candidates) ?? [:]
        for pair in pairs {
            guard let a = references[pair.reference], let b = candidates[pair.candidate],
                a.real.elementCount == b.real.elementCount
            else { continue }
            try locating("value '\(pair.candidate)'") {
                try measured[pair, default: LayerMeasurement()].add(a, b, alone: alone[pair.candidate])
            }
        }
        for (index, (a, b)) in zip(expected, found).enumerated() {
            try locating("output '\(outputs[index].pair.candidate)'") {
                try outputs[index].metrics.add(reference: a, candidate: b)
            }
        }
        if let a = expected.first, let b = found.first { classification.add(a, b, labels: batch.labels) }
        try worst.add(references: expected, candidates: found, batch.range, labels: batch.labels, name: name)
    }

    func report(
        _ names: (reference: String, candidate: String), samples: Int, _ criterion: FirstDivergence.Criterion?
    ) -> ComparisonReport {
        var report = ComparisonReport(
            reference: names.reference, candidate: names.candidate, samples: samples,
            outputs: outputs.map { LayerComparison($0.pair, $0.metrics) },
            layers: pairs.compactMap { pair in measured[pair]?.comparison(of: pair) },
            alignment: alignment, classification: classification, firstDivergence: criterion)
        report.worstSamples = worst.samples
        return report
    }
}

extension Model {
    /// The values that can be compared with another model's, as alignment sees them: for each node of the file, the
    /// last value that stems from it. A requantized result stands for the sums before it.
    var comparableLayers: [LayerAlignment.Layer] {
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
