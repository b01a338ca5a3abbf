import Foundation
import Passes
import TensorCore

/// Histograms of calibration as an `.npz`, so that a later run goes on from them, or others merge them:
///
/// ```
/// NAME|hist    int64, a count for each bin of equal width
/// NAME|meta    float64: first edge, last edge, minimum, maximum, and the threshold that the edges are ± of
/// ```
public enum HistogramFile {
    /// Writes the histograms that `order` names, as arrays of an `.npz` archive.
    /// - Throws: `ModelError` if the file cannot be written.
    public static func write(_ histograms: [String: Histogram], order: [String], to path: String) throws {
        let arrays = order.flatMap { name -> [(String, Tensor)] in
            guard let histogram = histograms[name] else { return [] }
            let meta = [
                -histogram.threshold, histogram.threshold, Double(histogram.range.min), Double(histogram.range.max),
                histogram.threshold,
            ]
            return [
                (name + countsSuffix, Tensor(histogram.counts.map(Int64.init), shape: [histogram.counts.count])),
                (name + metaSuffix, Tensor(meta, shape: [meta.count])),
            ]
        }
        try NumPyArchive.write(arrays, to: path, compressed: true)
    }

    /// The histograms, and their names in the order of the file.
    /// - Throws: `ModelError` for arrays that are no histograms.
    public static func read(_ path: String) throws -> (histograms: [String: Histogram], order: [String]) {
        let archive = try NumPyArchive(path)
        let order = archive.names.filter { $0.hasSuffix(countsSuffix) }.map { String($0.dropLast(countsSuffix.count)) }
        guard !order.isEmpty else {
            throw ModelError(
                "has no histograms in it", at: path, advice: "requant calibrate --write-histograms writes such files")
        }
        var histograms: [String: Histogram] = [:]
        for name in order {
            histograms[name] = try histogram(
                try archive.tensor(named: name + countsSuffix), try archive.tensor(named: name + metaSuffix),
                at: path, name)
        }
        return (histograms, order)
    }

    private static func histogram(_ counts: Tensor, _ meta: Tensor, at path: String, _ name: String) throws -> Histogram
    {
        func failure(_ problem: String) -> ModelError { ModelError("histogram '\(name)' \(problem)", at: path) }
        guard counts.shape.rank == 1, (1...Histogram.maximumBins).contains(counts.elementCount) else {
            throw failure("has \(counts.shape) bins; 1 to \(Histogram.maximumBins) are read")
        }
        guard meta.dataType == .float64, meta.shape.dimensions == [5] else {
            throw failure("needs 5 numbers of float64 beside it, not \(meta.dataType) \(meta.shape)")
        }
        guard counts.dataType == .int64 || counts.dataType == .int32 else {
            throw failure("counts in \(counts.dataType), not in int64")
        }
        let numbers = meta.elements(as: Double.self), bins = counts.asInts()
        // Sums of them may not leave Int, and float32 counts of the search may not become infinite.
        guard bins.allSatisfy((0...(1 << 40)).contains) else { throw failure("has a count that is none") }
        guard numbers.allSatisfy(\.isFinite), numbers[4] >= 0, numbers[4] <= Double(Float.greatestFiniteMagnitude),
            numbers[2] <= numbers[3], Swift.max(abs(numbers[2]), abs(numbers[3])) <= numbers[4] * (1 + 1e-6)
        else { throw failure("has edges and extremes that do not fit") }
        return Histogram(counts: bins, threshold: numbers[4], range: ValueRange(Float(numbers[2]), Float(numbers[3])))
    }

    private static let countsSuffix = "|hist", metaSuffix = "|meta"
}
