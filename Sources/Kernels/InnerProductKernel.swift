import TensorCore

/// Inner product of a N×K source with O×K weights: the fully connected layer.
///
/// Types and operands as for `ConvolutionKernel`; the source may have any shape whose later axes multiply to K.
public struct InnerProductKernel: Kernel, Hashable {
    public static let name = "inner product"
    /// What happens to the sums: bias, factors, post-operations, rounding.
    public var stage: OutputStage

    public init(stage: OutputStage = .init()) { self.stage = stage }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == stage.operandCount else {
            throw ModelError("an inner product with \(stage.operandCount) operands got \(operands.count)")
        }
        let source = operands[0].shape, weights = operands[1].shape
        guard source.rank >= 2, weights.rank == 2, source[0] == 0 || source.elementCount / source[0] == weights[1]
        else {
            throw ModelError("source \(source) and weights \(weights) do not fit an inner product")
        }
        let result = TensorType(stage.outputType, [source[0], weights[0]])
        if stage.hasResidual, let residual = operands.last, residual.shape != result.shape {
            throw ModelError("the residual is \(residual.shape), but the inner product's result is \(result.shape)")
        }
        return [result]
    }
}
