import TensorCore

/// Transposed convolution of a N×C×spatial… source with C×(O/groups)×kernel… weights: what a convolution from O to C
/// channels hands back to its source as a gradient. float32.
///
///     result extent = (source − 1) · stride + dilation · (kernel − 1) + 1 − padBegin − padEnd
///
/// Operands: source, weights, bias [O] if the stage has one, residual of the result's shape if it has a sum.
public struct DeconvolutionKernel: Kernel, Hashable {
    public static let name = "deconvolution"
    /// Steps in elements, one for each axis.
    public var strides: [Int]
    /// Distances between the elements of a window, one for each axis.
    public var dilations: [Int]
    /// How much is cut off the result's beginning.
    public var padsBegin: [Int]
    /// How much is cut off the result's end; negative where it is made longer.
    public var padsEnd: [Int]
    /// Groups of channels that do not mix.
    public var groups: Int
    /// What happens to the sums: bias, factors, post-operations, rounding.
    public var stage: OutputStage

    public init(
        strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int], groups: Int = 1,
        stage: OutputStage = .init()
    ) {
        self.strides = strides
        self.dilations = dilations
        self.padsBegin = padsBegin
        self.padsEnd = padsEnd
        self.groups = groups
        self.stage = stage
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == stage.operandCount else {
            throw ModelError("a deconvolution with \(stage.operandCount) operands got \(operands.count)")
        }
        let source = operands[0].shape, weights = operands[1].shape
        let rank = strides.count
        guard source.rank == rank + 2, weights.rank == rank + 2, groups > 0, source[1] % groups == 0,
            source[1] == weights[0]
        else {
            throw ModelError("source \(source) and weights \(weights) do not fit a deconvolution in \(groups) groups")
        }
        var extents: [Int] = []
        for axis in 0..<rank {
            let window = dilations[axis] * (weights[axis + 2] - 1) + 1
            let (reach, overflow) = (source[axis + 2] - 1).multipliedReportingOverflow(by: strides[axis])
            let extent = overflow || reach > Int.max / 4 ? 0 : reach + window - padsBegin[axis] - padsEnd[axis]
            guard extent > 0, strides[axis] > 0 else {
                throw ModelError(
                    "a deconvolution of \(source) with weights \(weights) leaves nothing after its padding")
            }
            extents.append(extent)
        }
        let result = TensorType(
            stage.outputType, try Shape(checking: [source[0], weights[1] * groups] + extents))
        if stage.hasResidual, let residual = operands.last, residual.shape != result.shape {
            throw ModelError("the residual is \(residual.shape), but the deconvolution's result is \(result.shape)")
        }
        return [result]
    }
}
