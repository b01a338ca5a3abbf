import Foundation
import TensorCore

/// The histogram of one value over all calibration batches, as MXNet's _LayerHistogramCollector keeps it
/// (python/mxnet/contrib/quantization.py): 8001 bins over [−T, T], T the largest magnitude of the first batch; when a
/// later batch is larger, whole bins are added on both sides.
///
/// Counts equal those of `numpy.histogram` on float32 data: the bin is computed in float32 and corrected against the
/// edges, which are float32 roundings of an exact grid.
public struct Histogram: Sendable {
    /// MXNet's number of bins.
    public static let initialBins = 8001
    /// More are never made; neighbours become one bin instead. MXNet goes on until its memory is full, and the search for a
    /// threshold takes time with the square of the bins: 2,000 times longer for values that become 50 times larger.
    public static let maximumBins = 1 << 16

    /// Elements by bin, from the lowest edge to the highest.
    public private(set) var counts: [Int]
    /// T: float32 at first, float64 once it has grown.
    public private(set) var threshold: Double
    /// The extremes that were seen.
    public private(set) var range: ValueRange
    private let firstStep: Double

    /// A histogram as it was saved: for thresholds that others collected.
    public init(counts: [Int], threshold: Double, range: ValueRange) {
        self.counts = counts
        self.threshold = threshold
        self.range = range
        firstStep = 2 * threshold / Double(counts.count)
    }

    /// Starts with the first batch.
    public init(_ values: UnsafeBufferPointer<Float>) {
        range = ValueRange(of: values)
        threshold = Double(range.magnitude)
        counts = [Int](repeating: 0, count: Self.initialBins)
        firstStep = 2 * threshold / Double(counts.count)
        count(values)
    }

    /// Adds a later batch.
    public mutating func add(_ values: UnsafeBufferPointer<Float>) {
        let batch = ValueRange(of: values)
        if Double(batch.magnitude) > threshold { grow(toHold: batch.magnitude) }
        range = range.union(batch)
        count(values)
    }

    /// How wide a bin is.
    public var step: Double { 2 * threshold / Double(counts.count) }

    /// Whether a later batch was so much larger than the first that bins had to become wider than the first batch made them.
    public var isCoarse: Bool { firstStep > 0 && step > 1.5 * firstStep }

    /// `counts.count + 1` edges.
    public var edges: [Float] {
        var edges = (0...counts.count).map { Float(Double($0) * step - threshold) }
        edges[counts.count] = Float(threshold)
        return edges
    }

    /// Adds whole bins on both sides.
    private mutating func grow(toHold magnitude: Float) {
        guard Double(magnitude) > threshold else { return }
        // NumPy subtracts two float32 here as long as the threshold is one, and floors a quotient by its remainder.
        let excess =
            counts.count == Self.initialBins
            ? Double(magnitude - Float(threshold)) : Double(magnitude) - threshold
        let added = ((excess - excess.truncatingRemainder(dividingBy: step)) / step).rounded() + 1
        let bins = Double(counts.count) + 2 * added
        guard bins <= Double(Self.maximumBins) else {
            join(bins / Double(Self.maximumBins), toHold: magnitude)
            return grow(toHold: magnitude)
        }
        widen(by: Int(added))
    }

    private mutating func widen(by added: Int) {
        let margin = [Int](repeating: 0, count: added)
        threshold += Double(added) * step
        counts = margin + counts + margin
    }

    /// Makes one bin of at least `factor` neighbours, of an odd number, so that the middle one stays in the middle. No
    /// count moves to where it was not.
    private mutating func join(_ factor: Double, toHold magnitude: Float) {
        let middle = counts.count / 2
        // Also where the step is zero and the factor infinite or no number.
        guard factor < Double(counts.count) else {
            let all = counts.reduce(0, +)
            counts = [Int](repeating: 0, count: Self.initialBins)
            counts[Self.initialBins / 2] = all
            threshold = Double(magnitude)
            return
        }
        let size = Int(factor.rounded(.up)) | 1
        let side = (middle + size / 2) / size
        var joined = [Int](repeating: 0, count: 2 * side + 1)
        for (index, count) in counts.enumerated() {
            joined[min((index - middle + size / 2 + side * size) / size, 2 * side)] += count
        }
        threshold = step * Double(size * joined.count) / 2
        counts = joined
    }

    /// Adds what another histogram has counted, as if its values had come after these.
    ///
    /// - Returns: whether bins are equally wide, as they are if both began with the same largest magnitude. Then the counts are
    ///   what one histogram of all values has, but for a value on an edge of a bin; else the counts of the other go by the
    ///   centres of its bins.
    public mutating func merge(_ other: Histogram) -> Bool {
        let others = other.counts.enumerated().filter { $0.element > 0 }
        let isAligned = abs(step - other.step) <= 1e-9 * step && counts.count % 2 == other.counts.count % 2
        if isAligned {
            let added = (other.counts.count - counts.count) / 2
            if added > 0 && other.counts.count <= Self.maximumBins { widen(by: added) }
        } else {
            grow(toHold: other.range.magnitude)
        }
        range = range.union(other.range)
        let shift = Double(counts.count / 2) - Double(other.counts.count / 2)
        for (index, count) in others {
            let centre = (Double(index) + 0.5) * other.step - other.threshold
            let bin =
                isAligned ? Double(index) + shift : step > 0 ? (centre + threshold) / step : Double(counts.count / 2)
            counts[Int(max(0, min(bin, Double(counts.count - 1))))] += count
        }
        return isAligned || others.isEmpty
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
