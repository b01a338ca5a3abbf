import TensorCore

/// Convolution of a N×C×spatial… source with O×(C/groups)×kernel… weights (cross-correlation, as in every framework).
///
/// Source, weights → result: float32 × float32 → float32, or uint8/int8 × int8 → any type through int32 sums.
/// Codes of the source stand for their difference from `sourceZeroPoint`, and padding for none.
/// Operands: source, weights, bias [O] if the stage has one, residual of the result's shape if it has a sum.
public struct ConvolutionKernel: Kernel, Hashable {
    public static let name = "convolution"
    /// Steps in elements, one for each axis.
    public var strides: [Int]
    /// Distances between the elements of a window, one for each axis.
    public var dilations: [Int]
    /// Elements before the first, one for each axis.
    public var padsBegin: [Int]
    /// Elements behind the last, one for each axis.
    public var padsEnd: [Int]
    /// Groups of channels that do not mix.
    public var groups: Int
    /// The code that stands for 0 in the data; padding has it.
    public var sourceZeroPoint = 0
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
            throw ModelError("a convolution with \(stage.operandCount) operands got \(operands.count)")
        }
        let source = operands[0].shape, weights = operands[1].shape
        let rank = strides.count
        guard source.rank == rank + 2, weights.rank == rank + 2 else {
            throw ModelError("source \(source) and weights \(weights) do not fit a \(rank)-dimensional convolution")
        }
        guard groups > 0, weights[0] % groups == 0, source[1] == weights[1] * groups else {
            throw ModelError("source \(source) and weights \(weights) do not fit with \(groups) groups")
        }
        var extents: [Int] = []
        for axis in 0..<rank {
            let window = dilations[axis] * (weights[axis + 2] - 1) + 1
            let room = source[axis + 2] + padsBegin[axis] + padsEnd[axis] - window
            guard room >= 0, strides[axis] > 0 else {
                throw ModelError("kernel \(window) does not fit into \(source) with its padding")
            }
            extents.append(room / strides[axis] + 1)
        }
        let result = TensorType(stage.outputType, try Shape(checking: [source[0], weights[0]] + extents))
        if stage.hasResidual, let residual = operands.last, residual.shape != result.shape {
            throw ModelError("the residual is \(residual.shape), but the convolution's result is \(result.shape)")
        }
        return [result]
    }
}
