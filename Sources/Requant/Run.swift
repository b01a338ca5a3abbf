import Comparison
import Datasets
import Operators
import TensorCore

/// How a model is run over a data set.
public struct RunOptions: Sendable {
    /// What computes.
    public var engine: EngineChoice = .onednn
    /// Which int8 arithmetic computes.
    public var arithmetic: Arithmetic = .exact
    /// That oneDNN may use; nil for all.
    public var threads: Int?
    /// Samples that run at once.
    public var batchSize = 32
    /// Only the first so many batches.
    public var batches: Int?

    /// All of the data, in batches of 32, through oneDNN.
    public init() {}
}

/// What a model made of a data set.
public struct RunResult: Sendable {
    /// How many there were.
    public var samples: Int
    /// By name, in the order of computation; the batches one after the other.
    public var values: [(name: String, tensor: Tensor)]
    /// The share of samples whose largest logit is that of the label, in 0…1; nil without labels or logits.
    public var top1: Double?
}

extension Model {
    /// Runs the model over a data set and keeps its outputs.
    ///
    /// - Parameters:
    ///   - dataset: the samples.
    ///   - options: how they are run.
    ///   - observesAll: keeps what every node computes, too; codes stay codes.
    ///   - progress: called after each batch with the number of batches done and of all.
    /// - Throws: `ModelError` for data that does not fit and operators that cannot be run.
    public func run(
        on dataset: Dataset, _ options: RunOptions = RunOptions(), observesAll: Bool = false,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> RunResult {
        let model = try collapsed()
        let runner = ModelRunner(
            model, engine: options.engine, arithmetic: options.arithmetic, threads: options.threads)
        let observed = observesAll ? model.calibratableValues : []
        var parts: [String: [Tensor]] = [:]
        var classification: ClassificationMetrics? = ClassificationMetrics()
        var batches = dataset.batches(of: options.batchSize, limit: options.batches)
        var (samples, done) = (0, 0)
        while let batch = try batches.next() {
            let outputs = try runner.run(batch.inputs, observing: Set(observed)) { name, tensor in
                parts[name, default: []].append(tensor)
            }
            for (name, output) in zip(runner.outputs, outputs) where !observed.contains(name) {
                parts[name, default: []].append(output)
            }
            if let logits = outputs.first { classification.add(logits, logits, labels: batch.labels) }
            samples += batch.range.count
            done += 1
            progress(done, batches.count)
        }
        var names: [String] = []
        for name in observed + runner.outputs where !names.contains(name) { names.append(name) }
        // Collapsing QDQ form may have renamed an output; whoever reads the results knows the file's names.
        let given = Dictionary(zip(runner.outputs, graph.outputs.map { graph[$0].name })) { first, _ in first }
        let values = try names.compactMap { name in
            try parts[name].map { parts in
                (given[name] ?? name, try locating("value '\(name)'") { try joined(parts) })
            }
        }
        return RunResult(samples: samples, values: values, top1: classification?.referenceTop1)
    }

    /// The batches one after the other; values without a batch axis are put on one.
    private func joined(_ parts: [Tensor]) throws -> Tensor {
        if parts.count == 1 { return parts[0] }
        let parts = parts.map { $0.shape.rank == 0 ? $0.reshaped([1]) : $0 }
        for part in parts where part.shape.dimensions.dropFirst() != parts[0].shape.dimensions.dropFirst() {
            throw ModelError(
                "is \(parts[0].shape) in one batch and \(part.shape) in another", advice: "run one batch (--batches 1)")
        }
        return Tensor.concatenatingRows(parts)
    }
}

extension ClassificationMetrics? {
    /// Takes one more batch, or gives up if the values are no logits.
    mutating func add(_ reference: Tensor, _ candidate: Tensor, labels: [Int]?) {
        guard var metrics = self else { return }
        do {
            try metrics.add(reference: reference, candidate: candidate, labels: labels)
            self = metrics
        } catch { self = nil }
    }
}
