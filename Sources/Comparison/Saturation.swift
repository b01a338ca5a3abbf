import TensorCore

/// How many codes of a candidate lie at the ends of their type, and how many of them stand for values that a reference
/// has beyond:
///
///     at the lowest    code ≤ −127 of int8, whose grids are symmetric; code = 0 of uint8
///     clipped below    at the lowest, and r < x − step / 2
///
/// and at the highest likewise. After a ReLU many codes are 0 and none of them is clipped.
public struct SaturationMetrics: Sendable, Equatable {
    /// Codes that were looked at.
    public private(set) var elementCount = 0
    private var lowest = 0, highest = 0, below = 0, above = 0

    public init() {}

    /// Counts the codes of one more batch.
    /// - Parameters:
    ///   - codes: int8 or uint8.
    ///   - values: the real values that they stand for.
    ///   - reference: what the values should be.
    ///   - step: real units per code.
    /// - Throws: `ModelError` if the shapes differ, or the codes are of another type.
    public mutating func add(codes: Tensor, values: Tensor, reference: Tensor, step: Float) throws {
        try requireSameShape(reference, codes)
        try requireSameShape(reference, values)
        switch codes.dataType {
        case .int8: add(codes, as: Int8.self, -127...127, values, reference, step)
        case .uint8: add(codes, as: UInt8.self, 0...255, values, reference, step)
        default: throw ModelError("\(codes.dataType) values are no codes", advice: "expected int8 or uint8")
        }
    }

    private mutating func add<Code: TensorElement & FixedWidthInteger>(
        _ codes: Tensor, as type: Code.Type, _ limits: ClosedRange<Code>, _ values: Tensor, _ reference: Tensor,
        _ step: Float
    ) {
        codes.withElements(as: type) { codes in
            values.asFloat32().withElements(as: Float.self) { values in
                reference.asFloat32().withElements(as: Float.self) { references in
                    for index in codes.indices {
                        if codes[index] >= limits.upperBound {
                            highest += 1
                            if references[index] > values[index] + step / 2 { above += 1 }
                        } else if codes[index] <= limits.lowerBound {
                            lowest += 1
                            if references[index] < values[index] - step / 2 { below += 1 }
                        }
                    }
                }
            }
        }
        elementCount += codes.elementCount
    }

    /// As shares of all codes, in 0…1.
    public var shares: Saturation {
        func share(_ count: Int) -> Double { elementCount == 0 ? 0 : Double(count) / Double(elementCount) }
        return Saturation(
            atLowest: share(lowest), atHighest: share(highest), clippedBelow: share(below), clippedAbove: share(above))
    }
}

/// Shares of all elements, in 0…1.
public struct Saturation: Sendable, Equatable, Codable {
    /// Codes at the lowest and at the highest end of their type.
    public var atLowest: Double
    /// Codes at the upper end of their type.
    public var atHighest: Double
    /// Of these, codes whose value is beyond the end in the reference.
    public var clippedBelow: Double
    /// Values that the reference has above the range.
    public var clippedAbove: Double

    /// At both ends.
    public var clipped: Double { clippedBelow + clippedAbove }
}
