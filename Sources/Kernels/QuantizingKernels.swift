import TensorCore

/// saturate(round(x · factor) + zeroPoint): float32, int32 or codes → codes. What quantizes and requantizes.
public struct QuantizeKernel: Kernel, Hashable {
    public static let name = "quantize"
    /// Codes per unit of the source.
    public var factor: Float
    /// The code that stands for 0.
    public var zeroPoint: Int
    /// The type of the results.
    public var outputType: DataType

    public init(factor: Float, zeroPoint: Int = 0, outputType: DataType) {
        self.factor = factor
        self.zeroPoint = zeroPoint
        self.outputType = outputType
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(outputType, operands[0].shape)]
    }
}

/// (code − zeroPoint) · factor: codes or int32 → float32.
public struct DequantizeKernel: Kernel, Hashable {
    public static let name = "dequantize"
    /// Real units per code.
    public var factor: Float
    /// The code that stands for 0.
    public var zeroPoint: Int

    public init(factor: Float, zeroPoint: Int = 0) {
        self.factor = factor
        self.zeroPoint = zeroPoint
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(.float32, operands[0].shape)]
    }
}
