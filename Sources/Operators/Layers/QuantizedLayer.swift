import GraphIR
import Kernels
import TensorCore

/// The integers of a calibrated layer, as the kernels compute with them: what QDQ writes.
public struct QuantizedLayer {
    /// int8, filters×….
    public let weights: Tensor
    /// Real units per code of the weights: one for each filter, or one.
    public let weightSteps: [Float]
    /// int32, on the steps of data times weights.
    public let bias: Tensor?

    /// - Throws: `ModelError` if the layer's data has no calibrated range.
    public init(_ node: NodeReader, arithmetic: Arithmetic) throws {
        let type = try node.type(0)
        guard let grid = type.quantization?.grid else {
            throw ModelError(
                "the range of its data is found at run time", at: node.place, advice: "calibrate the model first")
        }
        let sourceScale =
            arithmetic == .mxnet || grid.isReadFromRange(type.dataType)
            ? grid.codesPerUnit(type.dataType) : 1 / grid.steps[0]
        let codes = try node.locating {
            node.node.op == "FusedConvolution"
                ? try FusedConvolutionLowering(node).weightCodes(sourceScale, arithmetic)
                : try FusedFullyConnectedLowering(node).weightCodes(sourceScale, arithmetic)
        }
        weights = codes.weights
        bias = codes.bias
        weightSteps = codes.codesPerUnit.map { 1 / $0 }
    }
}

extension QuantizationGrid {
    /// Whether its steps are those that MXNet reads from its range. Those of int8 parameters, and of what Embedding takes
    /// from them, are not: they have 127 codes over it.
    public func isReadFromRange(_ dataType: DataType) -> Bool {
        range.map { QuantizationGrid(range: $0, of: dataType).steps == steps } ?? false
    }
}
