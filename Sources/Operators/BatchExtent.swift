/// An extent as it depends on the batch n: factor · n + offset.
///
/// Whatever has to be right for any batch is made for two of them and compared: what differs depends on the batch.
public struct BatchExtent: Sendable, Hashable {
    /// The two batches. Extents that do not depend on the batch are rarely these.
    public static let probes = [23, 29]

    /// What the batch is multiplied with.
    public let factor: Int
    /// What is added.
    public let offset: Int

    /// - Parameters: what the extent is for either of the two batches; nil if no line goes through both.
    public init?(_ first: Int, _ second: Int) {
        let (rise, overflow) = second.subtractingReportingOverflow(first)
        let run = Self.probes[1] - Self.probes[0]
        guard !overflow, rise % run == 0 else { return nil }
        factor = rise / run
        let (offset, isFar) = first.subtractingReportingOverflow(
            factor.multipliedReportingOverflow(by: Self.probes[0]).0)
        guard !isFar else { return nil }
        self.offset = offset
    }

    /// One of each pair; nil if they are not as many, or one of them is on no line.
    public static func extents(_ first: [Int], _ second: [Int]) -> [BatchExtent]? {
        let extents = zip(first, second).compactMap { BatchExtent($0, $1) }
        return extents.count == first.count && extents.count == second.count ? extents : nil
    }

    /// Whether another batch gives another extent.
    public var dependsOnBatch: Bool { factor != 0 }
    /// Whether it is the batch itself, or a multiple of it.
    public var isMultiple: Bool { factor > 0 && offset == 0 }

    /// The shape of a Reshape for any batch: 0 copies an axis of the source, −1 is what is left; nil if that does not say
    /// it.
    static func shape(_ extents: [BatchExtent], of source: [BatchExtent]?, copies: Bool) -> [Int]? {
        var numbers: [Int] = []
        for (axis, extent) in extents.enumerated() {
            if !extent.dependsOnBatch {
                numbers.append(extent.offset)
            } else if copies, let source, axis < source.count, source[axis] == extent {
                numbers.append(0)
            } else if extent.isMultiple {
                numbers.append(-1)
            } else {
                return nil
            }
        }
        return numbers.count { $0 == -1 } <= 1 ? numbers : nil
    }
}
