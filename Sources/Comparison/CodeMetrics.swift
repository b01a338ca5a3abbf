import TensorCore

/// How far the 8-bit codes of a candidate are from those of a reference, gathered batch by batch, in steps of the grid
/// (one step is one LSB). It means something only where both lie on the same grid.
public struct CodeMetrics: Sendable, Equatable {
    /// Codes that were compared.
    public private(set) var elementCount = 0
    /// Those of them that differ.
    public private(set) var differingCount = 0
    /// max |r − x| in steps, 0…255.
    public private(set) var largestStep = 0

    public init() {}

    /// Compares one more batch, code by code.
    /// - Throws: `ModelError` if the shapes differ, or if not both are int8 or both uint8.
    public mutating func add(reference: Tensor, candidate: Tensor) throws {
        try requireSameShape(reference, candidate)
        guard reference.dataType == candidate.dataType else {
            throw ModelError("the reference is \(reference.dataType) and the candidate \(candidate.dataType)")
        }
        switch reference.dataType {
        case .int8: add(reference, candidate, as: Int8.self)
        case .uint8: add(reference, candidate, as: UInt8.self)
        default: throw ModelError("\(reference.dataType) values are no codes", advice: "expected int8 or uint8")
        }
    }

    private mutating func add<Code: TensorElement & FixedWidthInteger>(
        _ reference: Tensor, _ candidate: Tensor, as type: Code.Type
    ) {
        reference.withElements(as: type) { references in
            candidate.withElements(as: type) { candidates in
                for index in references.indices {
                    let step = abs(Int(references[index]) - Int(candidates[index]))
                    if step != 0 { differingCount += 1 }
                    largestStep = max(largestStep, step)
                }
            }
        }
        elementCount += reference.elementCount
    }

    /// In 0…1.
    public var differingShare: Double { elementCount == 0 ? 0 : Double(differingCount) / Double(elementCount) }
}
