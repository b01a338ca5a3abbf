import TensorCore

/// The threshold that loses least information (S. Migacz, "8-bit Inference with TensorRT", 2017): of all windows around
/// the middle of the histogram, the one whose codes diverge least from it, after Kullback and Leibler.
public struct EntropyThreshold {
    /// In which arithmetic divergences are compared. Windows of nearly the same divergence are many, and another rounding
    /// prefers another.
    public enum Search: String, Sendable {
        /// float64, from prefix sums.
        case exact
        /// One bin after the other in float32, as MXNet 1.9.1: the same threshold to the last bit.
        case mxnet
    }

    private let histogram: Histogram
    private let search: Search

    /// Looks for the threshold in a histogram.
    public init(_ histogram: Histogram, search: Search = .exact) {
        self.histogram = histogram
        self.search = search
    }

    /// - Parameter codeBins: 255, or 511 where the codes are unsigned and so use only half of the bins.
    public func optimal(codeBins: Int) -> Float {
        let edges = histogram.edges, counts = histogram.counts
        let zero = max(counts.count - 1, 0) / 2
        guard zero >= codeBins / 2 else { return edges[counts.count] }
        let windows = WindowDivergences(counts, codeBins: codeBins).all()
        let best =
            switch search {
            case .exact: Self.smallest(windows)
            case .mxnet: MXNetDivergence.smallest(windows, of: counts, codeBins: codeBins)
            }
        return edges[min(zero + (best ?? codeBins / 2) + 1, counts.count)]
    }

    /// MXNet's range for a value: from zero where nothing is negative and uint8 is allowed, else symmetric.
    public func range(allowsUnsigned: Bool) -> ValueRange {
        let isUnsigned = histogram.range.min >= 0 && allowsUnsigned
        let threshold = optimal(codeBins: isUnsigned ? 511 : 255)
        return ValueRange(isUnsigned ? 0 : -threshold, threshold)
    }

    /// The first of those that diverge least.
    private static func smallest(_ windows: [WindowDivergences.Estimate]) -> Int? {
        var best: (half: Int, divergence: Double)?
        for window in windows {
            let divergence = window.divergence
            if divergence < best?.divergence ?? .infinity { best = (window.half, divergence) }
        }
        return best?.half
    }
}
