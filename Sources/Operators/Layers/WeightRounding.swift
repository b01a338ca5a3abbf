/// Rounds the weights of a layer to int8 codes. With e = w · s − code, a result is off by Σ e · x.
///
/// The nearest codes make Σ e² smallest, which is best for data around zero. But data behind a relu is not around zero, and
/// neighbours in a picture are alike: what several x have in common is multiplied by their Σ e. So `keepingSums` makes
///
///     Σ e² + λ · (Σ e)²
///
/// small, first of each window of the kernel, then of all weights of the channel: codes of weights that are nearly halfway
/// are moved to their other neighbour, which costs 1 − 2|e|, as long as the sum gains more, λ · (2|Σ e| − 1).
enum WeightRounding {
    /// As MXNet rounds.
    case nearest
    case keepingSums

    /// λ, the energy of what the data have in common, over that of what they have not. It is 1 / (π − 1) already where
    /// independent normal data went through a relu; the gain is about the same from there to infinity.
    private static let commonShare: Float = 8

    /// - Parameters:
    ///   - weights: of one channel.
    ///   - window: how many successive weights meet the same channel of the data.
    func round(
        _ weights: UnsafeBufferPointer<Float>, scale: Float, window: Int, into codes: UnsafeMutableBufferPointer<Int8>
    ) {
        for index in weights.indices {
            codes[index] = Int8(clamping: Int32(roundedToEven: weights[index] * scale))
        }
        guard self == .keepingSums else { return }
        var errors = weights.indices.map { weights[$0] * scale - Float(codes[$0]) }
        if window > 1 {
            for start in stride(from: 0, to: errors.count, by: window) {
                Self.reduceSum(of: &errors, start..<min(start + window, errors.count), codes)
            }
        }
        Self.reduceSum(of: &errors, errors.indices, codes)
    }

    private static func reduceSum(
        of errors: inout [Float], _ range: Range<Int>, _ codes: UnsafeMutableBufferPointer<Int8>
    ) {
        var sum: Float = 0
        for index in range { sum += errors[index] }
        let direction: Float = sum < 0 ? -1 : 1
        while abs(sum) > 0.5 {
            var best = range.lowerBound, largest: Float = 0
            for index in range where errors[index] * direction > largest {
                let moved = Float(codes[index]) + direction
                if abs(moved) > ParameterCodes.whole { continue }
                (best, largest) = (index, errors[index] * direction)
            }
            guard commonShare * (2 * abs(sum) - 1) > 1 - 2 * largest else { return }
            codes[best] += Int8(direction)
            errors[best] -= direction
            sum -= direction
        }
    }
}
