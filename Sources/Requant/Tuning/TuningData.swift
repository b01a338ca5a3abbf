import Comparison
import Datasets
import TensorCore

/// The data that trials run on, with what the float model makes of it. What fits into memory is kept, so that images are
/// decoded and the float model is run once; of the rest both are done again for each trial.
final class TuningData {
    /// Bytes that may be kept.
    private static let budget = 1 << 30

    private struct Kept {
        var batch: Batch
        var outputs: [Tensor]
    }

    private let dataset: Dataset
    private let reference: ModelRunner
    private var kept: [Kept] = []
    private var ranges: [Range<Int>] = []
    private(set) var samples = 0
    /// Of the float model, in 0…1; nil without labels.
    private(set) var referenceTop1: Double?
    /// Of everything that was read.
    private(set) var fingerprint = Fingerprint()
    /// What running the float model once over the data took.
    private(set) var duration = Duration.zero

    init(_ dataset: Dataset, _ reference: ModelRunner, _ options: RunOptions, progress: (Int, Int) -> Void) throws {
        self.dataset = dataset
        self.reference = reference
        var classification: ClassificationMetrics? = ClassificationMetrics()
        var batches = dataset.batches(of: options.batchSize, limit: options.batches)
        var bytes = 0
        let clock = ContinuousClock(), count = batches.count
        while let batch = try batches.next() {
            let start = clock.now
            let outputs = try reference.run(batch.inputs)
            duration += start.duration(to: clock.now)
            for (name, tensor) in batch.inputs.sorted(by: { $0.key < $1.key }) {
                fingerprint.add(name)
                fingerprint.add(tensor)
            }
            for label in batch.labels ?? [] { fingerprint.add(UInt64(bitPattern: Int64(label))) }
            if let logits = outputs.first { classification.add(logits, logits, labels: batch.labels) }
            samples += batch.range.count
            ranges.append(batch.range)
            bytes += (batch.inputs.map(\.value) + outputs).reduce(0) { $0 + $1.byteCount }
            if bytes <= Self.budget { kept.append(Kept(batch: batch, outputs: outputs)) }
            progress(ranges.count, count)
        }
        referenceTop1 = classification?.referenceTop1
    }

    /// Shows every batch with the float model's outputs.
    func forEach(_ body: (Batch, [Tensor]) throws -> Void) throws {
        for (index, range) in ranges.enumerated() {
            if index < kept.count {
                try body(kept[index].batch, kept[index].outputs)
            } else {
                let batch = try dataset.batch(range)
                try body(batch, reference.run(batch.inputs))
            }
        }
    }

    /// The shapes of a batch's inputs.
    var shapes: [String: Shape] { kept.first?.batch.inputs.mapValues(\.shape) ?? [:] }
}
