import Foundation
import TensorCore

/// The threshold that loses least information, after MXNet's CalibrateComputeCPU
/// (src/operator/quantization/calibrate.cc; the method is NVIDIA's: S. Migacz, "8-bit Inference with TensorRT", 2017).
///
/// For every window around the middle of the histogram, with the outliers moved into its ends (p), and the window merged
/// into as many bins as there are codes and spread again (q), it computes the Kullback–Leibler divergence of q from p,
/// after smoothing; the first smallest wins. Every sum is sequential in float32, as there: float64 chooses other bins.
public struct EntropyThreshold {
    /// The histogram as MXNet's operator gets it, float32.
    private let counts: [Float]
    private let edges: [Float]

    public init(_ histogram: Histogram) {
        counts = histogram.counts.map(Float.init)
        edges = histogram.edges
    }

    /// - Parameter codeBins: 255, or 511 where the codes are unsigned and so use only half of the bins.
    public func optimal(codeBins: Int) -> Float {
        let zero = max(counts.count - 1, 0) / 2
        guard zero >= codeBins / 2 else { return edges[counts.count] }
        var best = (divergence: Float.infinity, threshold: edges[min(zero + codeBins / 2 + 1, counts.count)])
        var candidate = Candidate(capacity: counts.count)
        for half in codeBins / 2...zero {
            let divergence = candidate.divergence(counts, first: zero - half, last: zero + half, codeBins: codeBins)
            if divergence < best.divergence { best = (divergence, edges[zero + half + 1]) }
        }
        return best.threshold
    }

    /// MXNet's range for a value: from zero where nothing is negative and uint8 is allowed, else symmetric.
    public static func range(of histogram: Histogram, allowsUnsigned: Bool) -> ValueRange {
        let isUnsigned = histogram.range.min >= 0 && allowsUnsigned
        let threshold = EntropyThreshold(histogram).optimal(codeBins: isUnsigned ? 511 : 255)
        return ValueRange(isUnsigned ? 0 : -threshold, threshold)
    }
}

/// One window of the histogram, in buffers that are used again for the next.
private struct Candidate {
    private var window: [Float]
    private var reference: [Float]
    private var quantized: [Float]

    init(capacity: Int) {
        window = [Float](repeating: 0, count: capacity)
        reference = window
        quantized = window
    }

    mutating func divergence(_ counts: [Float], first: Int, last: Int, codeBins: Int) -> Float {
        let length = last - first + 1
        return counts.withUnsafeBufferPointer { counts in
            window.withUnsafeMutableBufferPointer { window in
                reference.withUnsafeMutableBufferPointer { reference in
                    quantized.withUnsafeMutableBufferPointer { quantized in
                        fillReference(counts, first, last, window, reference)
                        fillQuantized(window, reference, quantized, length, codeBins)
                        guard smooth(reference, length), smooth(quantized, length) else { return .infinity }
                        return kullbackLeibler(reference, quantized, length)
                    }
                }
            }
        }
    }
}

/// The window's counts with all outliers in its end bins; the slice for quantization lacks its first bin.
private func fillReference(
    _ counts: UnsafeBufferPointer<Float>, _ first: Int, _ last: Int, _ window: UnsafeMutableBufferPointer<Float>,
    _ reference: UnsafeMutableBufferPointer<Float>
) {
    var below: Float = 0
    for index in 0...first { below += counts[index] }
    window[0] = 0
    reference[0] = below
    for index in first + 1..<last + 1 {
        window[index - first] = counts[index]
        reference[index - first] = counts[index]
    }
    var above = reference[last - first]
    for index in last + 1..<max(counts.count, last + 1) { above += counts[index] }
    reference[last - first] = above
}

/// Merges the window into `codeBins` groups and spreads each over the bins that were not empty.
private func fillQuantized(
    _ window: UnsafeMutableBufferPointer<Float>, _ reference: UnsafeMutableBufferPointer<Float>,
    _ quantized: UnsafeMutableBufferPointer<Float>, _ length: Int, _ codeBins: Int
) {
    let merged = length / codeBins
    for group in 0..<codeBins {
        let start = group * merged
        let end = group == codeBins - 1 ? length : start + merged
        // The sum is an integer there; what the last group gets from the remainder is added as a float.
        var sum = 0, remainder = 0, filled = 0
        for index in start..<start + merged { sum += Int(window[index]) }
        for index in start + merged..<end { remainder += Int(window[index]) }
        for index in start..<end where window[index] != 0 { filled += 1 }
        let total = Float(sum) + Float(remainder)
        let share = filled > 0 ? total / Float(filled) : 0
        for index in start..<end { quantized[index] = filled > 0 && reference[index] != 0 ? share : 0 }
    }
}

/// Gives zeros a little and takes it from the others; false if there is nothing to take from.
private func smooth(_ distribution: UnsafeMutableBufferPointer<Float>, _ length: Int) -> Bool {
    let little: Float = 0.0001
    var zeros = 0
    for index in 0..<length where distribution[index] == 0 { zeros += 1 }
    let others = length - zeros
    guard others > 0 else { return false }
    let taken = little * Float(zeros) / Float(others)
    guard taken < 1 else { return false }
    for index in 0..<length { distribution[index] += distribution[index] == 0 ? little : -taken }
    return true
}

private func kullbackLeibler(
    _ p: UnsafeMutableBufferPointer<Float>, _ q: UnsafeMutableBufferPointer<Float>, _ length: Int
) -> Float {
    var sumP: Float = 0, sumQ: Float = 0
    for index in 0..<length {
        sumP += p[index]
        sumQ += q[index]
    }
    var divergence: Float = 0
    for index in 0..<length {
        let x = p[index] / sumP, y = q[index] / sumQ
        if x != 0 && y != 0 { divergence += x * logf(x / y) }
    }
    return divergence
}
