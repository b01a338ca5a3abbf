import Kernels
import TensorCore

/// The two operands of arithmetic on codes.
struct CodesOfTwo {
    let a: LoweredValue
    let b: LoweredValue
    let types: (a: DataType, b: DataType)

    init(_ node: NodeReader, _ lowering: inout Lowering) throws {
        a = try lowering.value(node, 0)
        b = try lowering.value(node, 1)
        types = (lowering.type(of: a).dataType, lowering.type(of: b).dataType)
    }

    /// Codes per unit, if both are known before the run.
    var scales: (a: Float, b: Float)? {
        guard case .grid(let scaleA, 0) = a.codes, case .grid(let scaleB, 0) = b.codes else { return nil }
        return (scaleA, scaleB)
    }

    /// a, its range, b, its range
    func withRanges(_ lowering: inout Lowering) throws -> [BufferID] {
        [a.buffer, try lowering.rangeBuffer(of: a), b.buffer, try lowering.rangeBuffer(of: b)]
    }
}

extension Lowering {
    /// The range of some codes as a buffer, where others find theirs at run time.
    mutating func rangeBuffer(of value: LoweredValue) throws -> BufferID {
        switch value.codes {
        case .rangeBuffer(let range): return range
        case .grid(let codesPerUnit, 0):
            let magnitude = ValueRange.codes(type(of: value).dataType) / codesPerUnit
            return addConstant(Tensor([-magnitude, magnitude]))
        case .grid: throw ModelError("codes with a zero point cannot be mixed with a range that is found at run time")
        case .accumulators: throw ModelError("int32 sums have to be requantized first")
        case nil: throw ModelError("float and codes cannot be mixed")
        }
    }
}
