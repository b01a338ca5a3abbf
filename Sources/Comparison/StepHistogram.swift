import TensorCore

/// How many steps of a grid (LSBs) the values x of a candidate are beside the values r of a reference:
///
///     bin k counts the elements with round((x − r) / step) = k;  the outermost bins hold what is farther off, too
///
/// An error within the bin 0 is no more than rounding makes.
public struct StepHistogram: Sendable, Equatable, Codable {
    /// Bins reach from −limit to limit.
    public static let limit = 8

    /// Real units per code.
    public let step: Double
    /// What the first bin counts.
    public let first: Int
    /// Elements of each bin; the middle one is that of no error.
    public private(set) var counts: [Int]

    /// - Parameter step: real units per code, above 0.
    public init(step: Float) {
        self.step = Double(step)
        first = -Self.limit
        counts = [Int](repeating: 0, count: 2 * Self.limit + 1)
    }

    /// Counts the elements of one more batch. An element that is no number on one side counts as farthest off.
    /// - Throws: `ModelError` if the shapes differ.
    public mutating func add(reference: Tensor, candidate: Tensor) throws {
        try requireSameShape(reference, candidate)
        let perUnit = 1 / step, limit = Double(Self.limit)
        reference.asFloat32().withElements(as: Float.self) { references in
            candidate.asFloat32().withElements(as: Float.self) { candidates in
                for index in references.indices {
                    let steps = (Double(candidates[index]) - Double(references[index])) * perUnit
                    let bin = steps.isNaN ? limit : min(max(steps.rounded(.toNearestOrEven), -limit), limit)
                    counts[Int(bin) + Self.limit] += 1
                }
            }
        }
    }

    /// The share of elements in the bins `range`, in 0…1; 0 if there are none.
    public func share(_ range: ClosedRange<Int>) -> Double {
        let total = counts.reduce(0, +)
        let held = counts.enumerated().reduce(0) { range.contains(first + $1.offset) ? $0 + $1.element : $0 }
        return total == 0 ? 0 : Double(held) / Double(total)
    }
}
