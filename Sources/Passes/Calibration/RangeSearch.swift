import Foundation
import TensorCore

/// Chooses a range from a histogram.
public struct RangeSearch: Sendable {
    /// How a range is chosen.
    public var method: CalibrationMethod
    /// In 0…100: how many of the values a range of `percentile` shall hold.
    public var percentile = 99.99
    /// Whether values that are never negative may become uint8, and so have a range from zero on.
    public var allowsUnsigned = true
    /// Whether entropy's thresholds shall be MXNet's to the last bit.
    public var entropySearch = EntropyThreshold.Search.exact

    /// The usual choices for a method.
    public init(_ method: CalibrationMethod) { self.method = method }

    /// A range, and what it does to the values that it was chosen from.
    public struct Choice: Sendable {
        /// In real values.
        public var range: ValueRange
        /// The method that chose it; never `best`.
        public var method: CalibrationMethod
        /// What it does to the values.
        public var error: RangeError
        /// What `best` chose from.
        public var candidates: [Choice] = []

        /// A range that was chosen.
        public init(range: ValueRange, method: CalibrationMethod, error: RangeError) {
            self.range = range
            self.method = method
            self.error = error
        }
    }

    /// - Returns: nil for `none`.
    public func choice(for histogram: Histogram) -> Choice? {
        guard method != .best else {
            let candidates = [CalibrationMethod.naive, .entropy, .percentile, .mse].compactMap { method in
                var search = self
                search.method = method
                return search.choice(for: histogram)
            }
            var best = candidates.min { $0.error.noise < $1.error.noise }
            best?.candidates = candidates
            return best
        }
        return range(of: histogram).map {
            let isUnsigned = histogram.range.min >= 0 && allowsUnsigned
            return Choice(range: $0, method: method, error: RangeError($0, isUnsigned: isUnsigned, of: histogram))
        }
    }

    private func range(of histogram: Histogram) -> ValueRange? {
        let isUnsigned = histogram.range.min >= 0 && allowsUnsigned
        let threshold: Float
        switch method {
        case .none, .best: return nil
        case .naive: return histogram.range
        case .entropy:
            return EntropyThreshold(histogram, search: entropySearch).range(allowsUnsigned: allowsUnsigned)
        case .percentile: threshold = Magnitudes(histogram).threshold(holding: percentile / 100)
        case .mse: threshold = Magnitudes(histogram).threshold(leastErrorFor: isUnsigned ? 255.5 : 127.5)
        }
        // Bins reach beyond the largest value.
        let limit = min(threshold, histogram.range.magnitude)
        return ValueRange(isUnsigned ? 0 : -limit, limit)
    }
}

/// What codes of a range do to the values of a histogram, by the centres of its bins:
/// Σ (x − code(x) / s)² over Σ x², s codes per unit.
public struct RangeError: Sendable {
    /// Noise energy over the values' energy.
    public var noise: Double
    /// The part of it that comes from values beyond the range.
    public var clipping: Double

    /// In dB; infinite without noise.
    public var signalToNoise: Double { -10 * log10(noise) }

    /// What codes of that range do to the values of a histogram.
    public init(_ range: ValueRange, isUnsigned: Bool, of histogram: Histogram) {
        let codesPerUnit = Double(range.codesPerUnit(isUnsigned ? .uint8 : .int8))
        let codes = isUnsigned ? 0.0...255 : -128...127
        let limit = Double(range.magnitude)
        var noise = 0.0, clipping = 0.0, energy = 0.0
        for (index, count) in histogram.counts.enumerated() where count > 0 {
            // Also values of the outermost bins lie within the extremes.
            let centre = min(
                max((Double(index) + 0.5) * histogram.step - histogram.threshold, Double(histogram.range.min)),
                Double(histogram.range.max))
            let code = min(max((centre * codesPerUnit).rounded(.toNearestOrEven), codes.lowerBound), codes.upperBound)
            let squared = (centre - code / codesPerUnit) * (centre - code / codesPerUnit) * Double(count)
            energy += centre * centre * Double(count)
            noise += squared
            if abs(centre) > limit { clipping += squared }
        }
        self.noise = energy > 0 ? noise / energy : 0
        self.clipping = energy > 0 ? clipping / energy : 0
    }
}

/// A histogram of |x|: bin k holds what is around ±k steps.
struct Magnitudes {
    private let counts: [Int]
    private let step: Double

    init(_ histogram: Histogram) {
        let middle = histogram.counts.count / 2
        step = histogram.step
        counts = (0...middle).map { distance in
            let sides = distance == 0 ? [middle] : [middle - distance, middle + distance]
            return sides.filter(histogram.counts.indices.contains).reduce(0) { $0 + histogram.counts[$1] }
        }
    }

    /// The right edge of a bin.
    private func edge(_ bin: Int) -> Float { Float((Double(bin) + 0.5) * step) }

    /// The first edge below which at least this share of the values is.
    func threshold(holding share: Double) -> Float {
        let wanted = share * Double(counts.reduce(0, +))
        var held = 0
        for (bin, count) in counts.enumerated() {
            held += count
            if Double(held) >= wanted { return edge(bin) }
        }
        return edge(counts.count - 1)
    }

    /// The edge t for which codes have the smallest squared error: values within t are off by up to half of the distance
    /// t / `codes` of two codes, evenly spread, and so by distance² / 12; values beyond by |x| − t. What is in the middle
    /// bin becomes zero, and is.
    func threshold(leastErrorFor codes: Double) -> Float {
        var inside = 0.0, beyond = 0.0, sum = 0.0, squares = 0.0
        for (bin, count) in counts.enumerated().dropFirst() {
            let value = Double(bin) * step
            beyond += Double(count)
            sum += Double(count) * value
            squares += Double(count) * value * value
        }
        var best = (error: Double.infinity, bin: counts.count - 1)
        for (bin, count) in counts.enumerated().dropFirst() {
            let value = Double(bin) * step, limit = (Double(bin) + 0.5) * step, distance = limit / codes
            inside += Double(count)
            beyond -= Double(count)
            sum -= Double(count) * value
            squares -= Double(count) * value * value
            let error = inside * distance * distance / 12 + squares - 2 * limit * sum + limit * limit * beyond
            if error < best.error { best = (error, bin) }
        }
        return edge(best.bin)
    }
}
