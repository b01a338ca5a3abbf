import Foundation
import TensorCore

/// The histogram of one value over all calibration batches, as MXNet's _LayerHistogramCollector keeps it
/// (python/mxnet/contrib/quantization.py): 8001 bins over [−T, T], T the largest magnitude of the first batch; when a
/// later batch is larger, whole bins are added on both sides.
///
/// Counts equal those of `numpy.histogram` on float32 data: the bin is computed in float32 and corrected against the
/// edges, which are float32 roundings of an exact grid.
public struct Histogram: Sendable {
    public static let initialBins = 8001
    /// More are never made: the search for a threshold takes time with their square. MXNet runs out of memory instead.
    static let maximumBins = 1 << 16

    public private(set) var counts: [Int]
    /// T: float32 at first, float64 once it has grown.
    public private(set) var threshold: Double
    /// The extremes that were seen.
    public private(set) var range: ValueRange

    /// A histogram as it was saved: for thresholds that others collected.
    public init(counts: [Int], threshold: Double, range: ValueRange) {
        self.counts = counts
        self.threshold = threshold
        self.range = range
    }

    /// Starts with the first batch.
    public init(_ values: UnsafeBufferPointer<Float>) {
        range = ValueRange(of: values)
        threshold = Double(range.magnitude)
        counts = [Int](repeating: 0, count: Self.initialBins)
        count(values)
    }

    /// Adds a later batch.
    public mutating func add(_ values: UnsafeBufferPointer<Float>) {
        let batch = ValueRange(of: values)
        if Double(batch.magnitude) > threshold { grow(toHold: batch.magnitude) }
        range = range.union(batch)
        count(values)
    }

    /// `counts.count + 1` edges.
    public var edges: [Float] {
        let step = 2 * threshold / Double(counts.count)
        var edges = (0...counts.count).map { Float(Double($0) * step - threshold) }
        edges[counts.count] = Float(threshold)
        return edges
    }

    private mutating func grow(toHold magnitude: Float) {
        let step = 2 * threshold / Double(counts.count)
        // NumPy subtracts two float32 here as long as the threshold is one.
        let isSingle = Double(Float(threshold)) == threshold
        let excess = isSingle ? Double(magnitude - Float(threshold)) : Double(magnitude) - threshold
        let steps = (excess / step).rounded(.down) + 1
        guard steps <= Double((Self.maximumBins - counts.count) / 2) else { return spread(over: Double(magnitude)) }
        let added = Int(steps)
        let margin = [Int](repeating: 0, count: added)
        counts = margin + counts + margin
        threshold += Double(added) * step
    }

    /// Starts again with wider bins, where it would take too many of the old ones: what was counted goes by its bins' centres.
    private mutating func spread(over newThreshold: Double) {
        let step = 2 * threshold / Double(counts.count)
        var wider = [Int](repeating: 0, count: Self.initialBins)
        for (index, count) in counts.enumerated() where count > 0 {
            let centre = (Double(index) + 0.5) * step - threshold
            let share = (centre / newThreshold + 1) / 2
            wider[min(Int(share * Double(wider.count)), wider.count - 1)] += count
        }
        counts = wider
        threshold = newThreshold
    }

    private mutating func count(_ values: UnsafeBufferPointer<Float>) {
        let edges = edges
        let bins = counts.count
        let first = edges[0], last = edges[bins]
        let span = Float(threshold) - -Float(threshold)
        // An empty range: NumPy spreads it to ±0.5 around, and everything falls in the middle.
        guard span > 0 else {
            counts[bins / 2] += values.count
            return
        }
        let perUnit = Float(Double(bins) / Double(span))
        counts.withUnsafeMutableBufferPointer { counts in
            edges.withUnsafeBufferPointer { edges in
                for value in values where value >= first && value <= last {
                    var bin = min(Int((value - first) * perUnit), bins - 1)
                    if value < edges[bin] { bin -= 1 } else if value >= edges[bin + 1] && bin != bins - 1 { bin += 1 }
                    counts[bin] += 1
                }
            }
        }
    }

    /// The share of Σ x² that lies beyond ±limit and is cut off: Σ (|x| − limit)² / Σ x², from bin centres.
    public func clippedEnergyShare(beyond limit: Float) -> Double {
        let step = 2 * threshold / Double(counts.count)
        var lost = 0.0, total = 0.0
        for (index, count) in counts.enumerated() where count > 0 {
            let centre = abs((Double(index) + 0.5) * step - threshold)
            total += Double(count) * centre * centre
            if centre > Double(limit) { lost += Double(count) * (centre - Double(limit)) * (centre - Double(limit)) }
        }
        return total > 0 ? lost / total : 0
    }
}

extension ValueRange {
    /// The extremes of some values; zero if there are none.
    public init(of values: UnsafeBufferPointer<Float>) {
        var low = Float.infinity, high = -Float.infinity
        for value in values {
            low = Swift.min(low, value)
            high = Swift.max(high, value)
        }
        self.init(low > high ? 0 : low, low > high ? 0 : high)
    }
}
