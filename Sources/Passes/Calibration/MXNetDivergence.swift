import Foundation

/// The divergence of a window as MXNet's CalibrateComputeCPU gets it (src/operator/quantization/calibrate.cc), to the last
/// bit: every sum goes through all bins of the window, one after the other, in float32.
///
/// That takes a logarithm for each bin of each window. But only windows that can be the best are gone through: float64
/// tells each divergence within a bound of what float32 can lose, and windows are taken in that order until the bound is
/// above the best so far. The sums of p and q lose most and take little time, so they come first: with them the bound is
/// narrower, and most of the windows that were left need no logarithms either.
struct MXNetDivergence {
    /// The half width of the first window that diverges least.
    static func smallest(_ windows: [WindowDivergences.Estimate], of counts: [Int], codeBins: Int) -> Int? {
        var divergence = MXNetDivergence(counts, codeBins: codeBins)
        var best: (half: Int, divergence: Float)?
        let bounds = windows.map { max($0.divergence, 0) - slack(of: $0) }
        for index in bounds.indices.sorted(by: { bounds[$0] < bounds[$1] }) {
            let limit = best?.divergence ?? .infinity
            guard bounds[index] <= Double(limit) else { break }
            let window = windows[index]
            guard let found = divergence.of(window, unlessAbove: limit) else { continue }
            if found < limit || found == limit && window.half < best?.half ?? .max { best = (window.half, found) }
        }
        return best?.half
    }

    /// How far below the estimate the float32 result may be. Both sums are off by their rounding at worst.
    private static func slack(of window: WindowDivergences.Estimate) -> Double {
        window.remainder + 2.5 * window.roundingOfSums * (1 + max(window.divergence, 0))
            + slackOfTerms(window, window.divergence)
    }

    /// What the sum of x·log(x/y) may lose: no partial sum is above D + √(2D) (by Pinsker's inequality, what is negative
    /// in it is at most √(D/2)), and each term has a few roundings.
    private static func slackOfTerms(_ window: WindowDivergences.Estimate, _ divergence: Double) -> Double {
        let divergence = max(divergence, 0)
        return WindowDivergences.rounding
            * (Double(2 * window.half + 1) * (divergence + (2 * divergence).squareRoot()) + 16 * (1 + divergence))
    }

    private let counts: [Float]
    private let codeBins: Int
    /// Buffers that are used again for the next window.
    private var slice: [Float], reference: [Float], quantized: [Float]

    private init(_ counts: [Int], codeBins: Int) {
        self.counts = counts.map(Float.init)
        self.codeBins = codeBins
        slice = [Float](repeating: 0, count: counts.count)
        reference = slice
        quantized = slice
    }

    /// Infinite if MXNet cannot smooth it; nil if it is certainly above the limit.
    private mutating func of(_ window: WindowDivergences.Estimate, unlessAbove limit: Float) -> Float? {
        let zero = (counts.count - 1) / 2, length = 2 * window.half + 1, codeBins = codeBins
        return counts.withUnsafeBufferPointer { counts in
            slice.withUnsafeMutableBufferPointer { slice in
                reference.withUnsafeMutableBufferPointer { reference in
                    quantized.withUnsafeMutableBufferPointer { quantized in
                        fillReference(counts, zero - window.half, zero + window.half, slice, reference)
                        fillQuantized(slice, reference, quantized, length, codeBins)
                        guard smooth(reference, length), smooth(quantized, length) else { return .infinity }
                        var sumP: Float = 0, sumQ: Float = 0
                        for index in 0..<length {
                            sumP += reference[index]
                            sumQ += quantized[index]
                        }
                        // D again, with the sums that float32 gives.
                        let expected =
                            window.weighted / Double(sumP) + window.mass / Double(sumP)
                            * log(Double(sumQ) / Double(sumP))
                        guard expected - window.remainder - Self.slackOfTerms(window, expected) <= Double(limit)
                        else { return nil }
                        return kullbackLeibler(reference, sumP, quantized, sumQ, length)
                    }
                }
            }
        }
    }
}

/// The window's counts with all outliers in its end bins; the slice for quantization lacks its first bin.
private func fillReference(
    _ counts: UnsafeBufferPointer<Float>, _ first: Int, _ last: Int, _ slice: UnsafeMutableBufferPointer<Float>,
    _ reference: UnsafeMutableBufferPointer<Float>
) {
    var below: Float = 0
    for index in 0...first { below += counts[index] }
    slice[0] = 0
    reference[0] = below
    for index in first + 1..<last + 1 {
        slice[index - first] = counts[index]
        reference[index - first] = counts[index]
    }
    var above = reference[last - first]
    for index in last + 1..<max(counts.count, last + 1) { above += counts[index] }
    reference[last - first] = above
}

/// Merges the slice into `codeBins` groups and spreads each over the bins that were not empty.
private func fillQuantized(
    _ slice: UnsafeMutableBufferPointer<Float>, _ reference: UnsafeMutableBufferPointer<Float>,
    _ quantized: UnsafeMutableBufferPointer<Float>, _ length: Int, _ codeBins: Int
) {
    let merged = length / codeBins
    for group in 0..<codeBins {
        let start = group * merged
        let end = group == codeBins - 1 ? length : start + merged
        // The sum is an integer there; what the last group gets from the remainder is added as a float.
        var sum = 0, remainder = 0, filled = 0
        for index in start..<start + merged { sum += Int(slice[index]) }
        for index in start + merged..<end { remainder += Int(slice[index]) }
        for index in start..<end where slice[index] != 0 { filled += 1 }
        let total = Float(sum) + Float(remainder)
        let share = filled > 0 ? total / Float(filled) : 0
        for index in start..<end { quantized[index] = filled > 0 && reference[index] != 0 ? share : 0 }
    }
}

/// Gives zeros a little and takes it from the others; false if there is nothing to take from.
private func smooth(_ distribution: UnsafeMutableBufferPointer<Float>, _ length: Int) -> Bool {
    let little = Float(WindowDivergences.little)
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
    _ p: UnsafeMutableBufferPointer<Float>, _ sumP: Float, _ q: UnsafeMutableBufferPointer<Float>, _ sumQ: Float,
    _ length: Int
) -> Float {
    var divergence: Float = 0
    for index in 0..<length {
        let x = p[index] / sumP, y = q[index] / sumQ
        if x != 0 && y != 0 { divergence += x * logf(x / y) }
    }
    return divergence
}
