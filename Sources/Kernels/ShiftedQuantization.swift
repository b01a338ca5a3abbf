import TensorCore

/// uint8 codes with a zero point that cover a range: code = round(x · s) + z, s = 255 / (max − min),
/// z = round(255 − max · s) (MXNet 1.9.1's src/operator/quantization/quantize_asym-inl.h).
public struct ShiftedGrid: Sendable {
    public let codesPerUnit: Float
    /// The code that stands for 0.
    public let zeroPoint: Int

    public init(_ range: ValueRange) {
        let width = range.max - range.min
        let isEmpty = !(width > 0 && width.isFinite)
        codesPerUnit = isEmpty ? 1 : 255 / width
        let shift = (255 - range.max * codesPerUnit).rounded(.toNearestOrEven)
        // A range far from zero has its zero point far from the codes.
        zeroPoint = isEmpty ? 0 : Int(min(max(shift, -1e9), 1e9))
    }
}

/// float32 → uint8 codes on the grid of this very tensor, and the range that they cover.
public struct RunTimeShiftedQuantizeKernel: Kernel, Hashable {
    public static let name = "quantize with zero point at run time"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].dataType == .float32 else {
            throw ModelError("cannot quantize \(operands) at run time")
        }
        return [TensorType(.uint8, operands[0].shape), .range]
    }
}

/// uint8 codes and the range that they cover → float32.
public struct RunTimeShiftedDequantizeKernel: Kernel, Hashable {
    public static let name = "dequantize with zero point at run time"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].dataType == .uint8, operands[1] == .range else {
            throw ModelError("cannot dequantize \(operands) at run time")
        }
        return [TensorType(.float32, operands[0].shape)]
    }
}
