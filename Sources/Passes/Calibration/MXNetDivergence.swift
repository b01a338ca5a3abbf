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
        let divergence = MXNetDivergence(counts, codeBins: codeBins)
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
    /// Sums of the bins before an index: counts, and bins that are not empty.
    private var mass = [0], filled = [0]
    private let codeBins: Int

    private init(_ counts: [Int], codeBins: Int) {
        self.counts = counts.map(Float.init)
        self.codeBins = codeBins
        for (index, count) in counts.enumerated() {
            // What the operator gets is float32.
            mass.append(mass[index] + Int(Float(count)))
            filled.append(filled[index] + (count == 0 ? 0 : 1))
        }
    }

    /// Infinite if MXNet cannot smooth it; nil if it is certainly above the limit.
    private func of(_ window: WindowDivergences.Estimate, unlessAbove limit: Float) -> Float? {
        let zero = (counts.count - 1) / 2
        guard let smoothed = smoothed(zero - window.half, zero + window.half) else { return .infinity }
        var sumP: Float = 0, sumQ: Float = 0
        smoothed.forEach(counts) { p, q in
            sumP += p
            sumQ += q
        }
        // D again, with the sums that float32 gives.
        let expected = (window.weighted + window.mass * log(Double(sumQ) / Double(sumP))) / Double(sumP)
        guard expected - window.remainder - Self.slackOfTerms(window, expected) <= Double(limit) else { return nil }
        // An empty bin is empty in both.
        let little = Float(WindowDivergences.little)
        let (emptyP, emptyQ) = (little / sumP, little / sumQ)
        let empty = emptyP != 0 && emptyQ != 0 ? emptyP * logf(emptyP / emptyQ) : 0
        var divergence: Float = 0
        smoothed.forEach(counts) { p, q in
            guard p != little || q != little else {
                divergence += empty
                return
            }
            let x = p / sumP, y = q / sumQ
            if x != 0 && y != 0 { divergence += x * logf(x / y) }
        }
        return divergence
    }

    /// p and q of the bins `first` … `last`; nil if there is nothing to take from.
    private func smoothed(_ first: Int, _ last: Int) -> SmoothedWindow? {
        let length = last - first + 1, width = length / codeBins
        var below: Float = 0, above = counts[last]
        for index in 0...first { below += counts[index] }
        for index in last + 1..<max(counts.count, last + 1) { above += counts[index] }
        // The slice for quantization lacks the first bin, and the last keeps its own count.
        var shares: [Float] = []
        var pBins = filled[last] - filled[first + 1] + (below == 0 ? 0 : 1) + (above == 0 ? 0 : 1), qBins = 0
        for group in 0..<codeBins {
            let start = max(first + group * width, first + 1), end = first + (group + 1) * width
            let stop = group == codeBins - 1 ? last + 1 : end
            // The sum is an integer there; what the last group gets from the remainder is added as a float.
            let total = Float(mass[max(end, start)] - mass[start]) + Float(mass[stop] - mass[max(end, start)])
            let bins = filled[stop] - filled[start]
            shares.append(bins > 0 ? total / Float(bins) : 0)
            guard bins > 0 else { continue }
            qBins += bins
            if group == 0 && below != 0 { qBins += 1 }
            if group == codeBins - 1 && above != 0 && counts[last] == 0 { qBins += 1 }
        }
        guard let pLoss = loss(pBins, of: length), let qLoss = loss(qBins, of: length) else { return nil }
        return SmoothedWindow(
            first: first, last: last, width: width, below: below, above: above, shares: shares, pLoss: pLoss,
            qLoss: qLoss)
    }

    /// What each bin that is not empty gives to those that are.
    private func loss(_ bins: Int, of length: Int) -> Float? {
        guard bins > 0 else { return nil }
        let loss = Float(WindowDivergences.little) * Float(length - bins) / Float(bins)
        return loss < 1 ? loss : nil
    }
}

/// p: the window's counts with all outliers in its end bins. q: the share of its group in every bin that is not empty in p.
private struct SmoothedWindow {
    let first: Int, last: Int
    let width: Int
    let below: Float, above: Float
    let shares: [Float]
    let pLoss: Float, qLoss: Float

    @inline(__always)
    func forEach(_ counts: [Float], _ body: (_ p: Float, _ q: Float) -> Void) {
        let little = Float(WindowDivergences.little)
        counts.withUnsafeBufferPointer { counts in
            var start = first
            for group in shares.indices {
                let end = group == shares.count - 1 ? last + 1 : start + width
                let share = shares[group], q = share == 0 ? little : share - qLoss
                for index in start..<end {
                    let count = index == first ? below : index == last ? above : counts[index]
                    body(count == 0 ? little : count - pLoss, count == 0 ? little : q)
                }
                start = end
            }
        }
    }
}
