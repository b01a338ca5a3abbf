import TensorCore

/// A sample of the data for which two models are far apart.
public struct SampleComparison: Sendable, Equatable, Codable {
    /// Its place in the data, from 0, and the file or record that it comes from, if it has one of its own.
    public var index: Int
    /// Where it came from, such as its file; nil if that is not known.
    public var name: String?
    /// Over all outputs.
    public var maximumDifference: Double
    /// Over all outputs, in dB.
    public var sqnr: Double
    /// Its class; nil if it is not known.
    public var label: Int?
    /// The classes that the two models put it into; nil if the outputs are no logits.
    public var referenceClass: Int?
    /// What the candidate says; nil if the outputs are no logits.
    public var candidateClass: Int?
}

/// Keeps the samples with the lowest SQNR, however many come.
public struct WorstSamples: Sendable {
    private let limit: Int
    /// The worst first.
    public private(set) var samples: [SampleComparison] = []

    /// Keeps so many samples.
    public init(limit: Int = 10) { self.limit = limit }

    /// Looks at one more batch; says nothing of outputs whose first axis is not the samples.
    /// - Parameters:
    ///   - references: outputs of the model that counts as right.
    ///   - candidates: outputs of the other.
    ///   - labels: the classes of the samples, if they are known.
    ///   - range: the samples' numbers in the data.
    ///   - name: what to call a sample.
    /// - Throws: `ModelError` if the shapes differ.
    public mutating func add(
        references: [Tensor], candidates: [Tensor], _ range: Range<Int>, labels: [Int]?, name: (Int) -> String?
    ) throws {
        let outputs = zip(references, candidates).filter { $0.0.shape.dimensions.first == range.count }
        guard !outputs.isEmpty else { return }
        let referenceClasses = try? ClassificationMetrics.predictions(references[0])
        let candidateClasses = try? ClassificationMetrics.predictions(candidates[0])
        for row in 0..<range.count {
            var metrics = TensorMetrics()
            for (a, b) in outputs {
                try metrics.add(reference: a.rows(row..<row + 1), candidate: b.rows(row..<row + 1))
            }
            if metrics.sqnr == .infinity || samples.count == limit && metrics.sqnr >= samples[limit - 1].sqnr {
                continue
            }
            let index = range.lowerBound + row
            let sample = SampleComparison(
                index: index, name: name(index), maximumDifference: metrics.maximumDifference, sqnr: metrics.sqnr,
                label: labels.flatMap { $0.indices.contains(row) ? $0[row] : nil },
                referenceClass: referenceClasses.flatMap { $0.indices.contains(row) ? $0[row] : nil },
                candidateClass: candidateClasses.flatMap { $0.indices.contains(row) ? $0[row] : nil })
            samples.insert(sample, at: samples.firstIndex { $0.sqnr > sample.sqnr } ?? samples.count)
            if samples.count > limit { samples.removeLast() }
        }
    }
}
