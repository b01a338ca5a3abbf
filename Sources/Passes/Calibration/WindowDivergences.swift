import Foundation

/// The divergence of every window of a histogram, from prefix sums.
///
/// A window is the bins zero − i … zero + i. p is its counts, with the outliers moved into its ends; q is p without the
/// outliers, merged into as many groups as there are codes and spread again over the bins that were not empty. Smoothing
/// gives ε to empty bins and takes as much from the others, t_p and t_q from each:
///
/// ```
/// D = (1/P) Σ (p − t_p) · log((p − t_p) / (q − t_q)) + log(Q / P)             P = Σ p,  Q = Σ q
///   ≈ (1/P) [Σ p·log p − t_p Σ (log p + 1) − Σ_g (M_g − t_p·K_g) · log s_g + t_q Σ_g M_g / s_g] + log(Q / P)
/// ```
///
/// with M_g the mass of group g, K_g its bins that are not empty, and s_g = M_g / K_g what q has in each. The first two
/// sums are differences of prefix sums. So are those over groups: windows whose groups are equally wide share them, since
/// a group of one window is a group of another. A histogram of n bins takes about n² / (4 · codes) logarithms instead of
/// n² / 4.
struct WindowDivergences {
    /// MXNet's SmoothDistribution (src/operator/quantization/calibrate.cc) gives this to an empty bin.
    static let little = 0.0001

    /// What is known of a window without going through its bins.
    struct Estimate {
        /// i: the bins on each side of the middle one.
        var half: Int
        /// P · (D − log(Q / P))
        var weighted: Double
        /// P
        var mass: Double
        /// Q
        var spreadMass: Double
        /// How much a sum of all bins of the window, one after the other in float32, may be off: relative, at worst.
        var roundingOfSums: Double
        /// How much what is left out above may matter.
        var remainder: Double

        var divergence: Double { weighted / mass + log(spreadMass / mass) }
    }

    private let codeBins: Int
    private let zero: Int
    /// Sums of the bins before an index: counts, bins that are not empty, c·log c, log c, and of the first again.
    private var mass = [0.0], filled = [0.0], entropy = [0.0], logarithms = [0.0], sums = [0.0]

    /// - Parameter codeBins: at least 3.
    init(_ counts: [Int], codeBins: Int) {
        self.codeBins = codeBins
        zero = max(counts.count - 1, 0) / 2
        for (index, count) in counts.enumerated() {
            let count = Double(count), logarithm = count > 0 ? log(count) : 0
            mass.append(mass[index] + count)
            filled.append(filled[index] + (count > 0 ? 1 : 0))
            entropy.append(entropy[index] + count * logarithm)
            logarithms.append(logarithms[index] + logarithm)
            sums.append(sums[index] + mass[index + 1])
        }
    }

    /// Of every window that has a bin for each code, the smallest first; windows that cannot be smoothed are left out.
    func all() -> [Estimate] {
        guard zero >= codeBins / 2, codeBins >= 3 else { return [] }
        var estimates: [Estimate] = []
        for width in 1...(2 * zero + 1) / codeBins {
            let halves = width * codeBins / 2...min((width + 1) * codeBins / 2 - 1, zero)
            let groups = GroupSums(
                mass, filled, width: width, bins: zero - halves.upperBound...zero + halves.upperBound)
            for half in halves { if let estimate = estimate(half, width, groups) { estimates.append(estimate) } }
        }
        return estimates
    }

    private func estimate(_ half: Int, _ width: Int, _ groups: GroupSums) -> Estimate? {
        let first = zero - half, last = zero + half, total = mass[mass.count - 1]
        let lastGroup = first + (codeBins - 1) * width
        // The bin at the left end is empty in q; the one at the right end keeps its own count there.
        let below = mass[first + 1], above = total - mass[last]
        let left = End(
            slice: between(first + 1, first + width), p: below + mass[first + width] - mass[first + 1],
            cells: filled[first + width] - filled[first + 1] + (below > 0 ? 1 : 0))
        let right = End(
            slice: between(lastGroup, last + 1), p: mass[last] - mass[lastGroup] + above,
            cells: filled[last] - filled[lastGroup] + (above > 0 ? 1 : 0))
        let inner = between(first + width, lastGroup)
        let cells = Double(2 * half + 1)
        let pCells = left.cells + inner.cells + right.cells
        let qCells = (left.share > 0 ? left.cells : 0) + inner.cells + (right.share > 0 ? right.cells : 0)
        guard pCells > 0, qCells > 0 else { return nil }
        let pLoss = Self.little * (cells - pCells) / pCells, qLoss = Self.little * (cells - qCells) / qCells
        guard pLoss < 1, qLoss < 1 else { return nil }

        var weighted =
            entropy[last] - entropy[first + 1]
            - pLoss * (logarithms[last] - logarithms[first + 1] + pCells)
        for end in [below, above] where end > 0 { weighted += (end - pLoss) * log(end) }
        let (massLogs, cellLogs) = groups.between(first + width, lastGroup)
        weighted -= massLogs - pLoss * cellLogs - qLoss * inner.cells
        for end in [left, right] {
            weighted -= (end.p - pLoss * end.cells) * log(end.share > 0 ? end.share : Self.little)
            if end.share > 0 { weighted += qLoss * end.p / end.share }
        }
        let loss = pLoss + qLoss
        let outliers = (below + above) / total * Double(mass.count - 2 * half)
        return Estimate(
            half: half, weighted: weighted, mass: total,
            spreadMass: left.share * left.cells + inner.mass + right.share * right.cells,
            roundingOfSums: Self.rounding * (sums[last] - sums[first] + total) / total,
            // A loss of half a count has no series. Logarithms of outliers over shares stay below 16.
            remainder: loss > 0.25 ? .infinity : loss * loss * pCells / total + 16 * Self.rounding * outliers)
    }

    /// Half a unit in the last place of float32 numbers in 1…2.
    static let rounding = 0x1p-24

    private func between(_ start: Int, _ end: Int) -> (mass: Double, cells: Double) {
        (mass[end] - mass[start], filled[end] - filled[start])
    }

    /// The group at an end of a window: its mass in q, in p, and the bins that are not empty in p.
    private struct End {
        var p: Double
        var cells: Double
        /// s: what q has in each of its bins.
        var share: Double

        init(slice: (mass: Double, cells: Double), p: Double, cells: Double) {
            (self.p, self.cells) = (p, cells)
            share = slice.cells > 0 ? slice.mass / slice.cells : 0
        }
    }
}

/// Σ M·log s and Σ K·log s over consecutive groups of one width, wherever the first begins.
private struct GroupSums {
    private let start: Int
    private let width: Int
    /// At each bin: the sums over the group that begins there and all groups before it that meet it, without a gap.
    private var massLogs: [Double] = [], cellLogs: [Double] = []

    init(_ mass: [Double], _ filled: [Double], width: Int, bins: ClosedRange<Int>) {
        start = bins.lowerBound
        self.width = width
        for bin in bins where bin + width <= bins.upperBound + 1 {
            let groupMass = mass[bin + width] - mass[bin], cells = filled[bin + width] - filled[bin]
            let logarithm = cells > 0 ? log(groupMass / cells) : 0
            let before = bin - start - width
            massLogs.append((before >= 0 ? massLogs[before] : 0) + groupMass * logarithm)
            cellLogs.append((before >= 0 ? cellLogs[before] : 0) + cells * logarithm)
        }
    }

    /// Of the groups that begin at `first`, `first + width` … and before `end`; there is a group before the first.
    func between(_ first: Int, _ end: Int) -> (massLogs: Double, cellLogs: Double) {
        let before = first - start - width, last = end - start - width
        return (massLogs[last] - massLogs[before], cellLogs[last] - cellLogs[before])
    }
}
