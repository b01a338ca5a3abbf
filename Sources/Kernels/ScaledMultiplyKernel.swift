import TensorCore

/// a · b · scale of two tensors of codes of one shape, rounded to codes or int32, or left in float.
public struct ScaledMultiplyKernel: Kernel, Hashable {
    /// What becomes of fractions.
    public enum Rounding: String, Sendable {
        /// Half to even, saturating.
        case nearest
        /// A C cast: towards zero, and what is too large for the type wraps around
        /// (MXNet 1.9.1's src/operator/quantization/quantized_elemwise_mul.cc).
        case cast
    }

    public static let name = "scaled multiply"
    /// What is multiplied with it.
    public var scale: Float
    /// The type of the results.
    public var outputType: DataType
    /// What becomes of fractions.
    public var rounding: Rounding

    public init(scale: Float, outputType: DataType, rounding: Rounding = .nearest) {
        self.scale = scale
        self.outputType = outputType
        self.rounding = rounding
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].shape == operands[1].shape else {
            throw ModelError("a product of codes needs two operands of one shape, but got \(operands)")
        }
        return [TensorType(outputType, operands[0].shape)]
    }
}
