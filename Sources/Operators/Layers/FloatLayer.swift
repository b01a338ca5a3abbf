import GraphIR
import TensorCore

/// The weights of a float layer as the kernels compute with them: those of a fused convolution with its BatchNorm folded
/// in, those of others as they are stored.
public struct FloatLayer {
    /// float32, filters×….
    public let weights: Tensor

    /// - Throws: `ModelError` if the weights are not stored, or are codes.
    public init(_ node: NodeReader) throws {
        let stored = try node.parameter(1)
        guard stored.dataType.isFloatingPoint else {
            throw ModelError("its weights are \(stored.dataType)", at: node.place)
        }
        weights = try node.locating {
            node.node.op == "FusedConvolution"
                ? try FusedConvolutionLowering(node).folded().weights : stored.asFloat32()
        }
    }
}
