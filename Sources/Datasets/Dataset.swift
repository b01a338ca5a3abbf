import TensorCore

/// Samples for a model's inputs, with labels where the data has them; read batch by batch, so that no more than one
/// batch of decoded images is in memory.
public struct Dataset: Sendable {
    /// The inputs that every batch has.
    public let inputs: [String]
    /// Number of samples.
    public let count: Int
    /// Whether batches have labels.
    public let hasLabels: Bool
    /// Each gives other inputs than the others, of the same samples.
    private let sources: [any RowSource]
    /// Inputs that are the same for all samples: scalars, and arrays that are given whole.
    fileprivate let constants: [String: Tensor]

    init(sources: [(inputs: [String], source: any RowSource)], constants: [String: Tensor]) throws {
        inputs = sources.flatMap(\.inputs) + constants.keys.sorted()
        for (index, input) in inputs.enumerated() where inputs[..<index].contains(input) {
            throw ModelError("data for input '\(input)' is given twice")
        }
        let counts = sources.map(\.source.count)
        guard counts.allSatisfy({ $0 == counts[0] }) else {
            let table = sources.map { "\($0.source.count) for \($0.inputs.commaSeparated)" }
            throw ModelError("the inputs have different numbers of samples: \(table.commaSeparated)")
        }
        count = counts.first ?? 1
        guard count > 0 else { throw ModelError("the data has no samples") }
        self.sources = sources.map(\.source)
        self.constants = constants
        hasLabels = self.sources.contains(where: \.hasLabels)
    }

    /// The samples `range`, which must lie within `0..<count`, as one batch.
    /// - Throws: `ModelError` for a damaged image or record, and for images that differ in size.
    public func batch(_ range: Range<Int>) throws -> Batch {
        precondition(range.lowerBound >= 0 && range.upperBound <= count && !range.isEmpty, "samples out of range")
        var batch = Batch(inputs: constants, labels: nil, range: range)
        for source in sources {
            let rows = try source.rows(range)
            batch.inputs.merge(rows.inputs) { $1 }
            batch.labels = batch.labels ?? rows.labels
        }
        return batch
    }

    /// The file or record that a sample comes from; nil for the rows of arrays.
    public func name(of sample: Int) -> String? {
        guard (0..<count).contains(sample) else { return nil }
        return sources.lazy.compactMap { $0.name(of: sample) }.first
    }

    /// All samples in order, or the first `limit` batches of them. The last batch may be smaller.
    public func batches(of size: Int, limit: Int? = nil) -> Batches {
        Batches(self, size: size, limit: limit)
    }
}

/// Some samples, one after the other.
public struct Batch: Sendable {
    /// By input; the outermost axis is the samples, except for scalars, which are the same for all of them.
    public var inputs: [String: Tensor]
    /// One class for each sample.
    public var labels: [Int]?
    /// The samples' numbers in the data set.
    public var range: Range<Int>
}

/// Reads a data set batch by batch: `while let batch = try batches.next() { … }`.
public struct Batches {
    private let dataset: Dataset
    private let size: Int
    private let end: Int
    private var position = 0
    private var sampleTypes: [String: TensorType] = [:]

    fileprivate init(_ dataset: Dataset, size: Int, limit: Int?) {
        precondition(size > 0, "a batch has at least one sample")
        self.dataset = dataset
        self.size = min(size, dataset.count)
        let (samples, overflow) = (limit ?? .max).multipliedReportingOverflow(by: self.size)
        end = overflow ? dataset.count : max(0, min(samples, dataset.count))
    }

    /// Number of batches, those that were read included.
    public var count: Int { (end + size - 1) / size }

    /// The next batch; nil after the last.
    /// - Throws: `ModelError` for damaged data, and if samples differ in shape from those before.
    public mutating func next() throws -> Batch? {
        guard position < end else { return nil }
        let batch = try dataset.batch(position..<min(position + size, end))
        for (input, tensor) in batch.inputs where tensor.shape.rank > 0 && dataset.constants[input] == nil {
            let type = tensor.type.withoutRows, expected = sampleTypes[input] ?? type
            guard type == expected else {
                throw ModelError(
                    "samples from \(position) on are \(type), but those before are \(expected)", at: "input '\(input)'",
                    advice: "bring images to one size (--resize, --crop)")
            }
            sampleTypes[input] = type
        }
        position += batch.range.count
        return batch
    }
}
