import GraphIR
import Kernels
import TensorCore

/// y = W ⋆ x + b over 1, 2 or 3 spatial axes (src/operator/nn/convolution.cc).
/// Inputs: data N×C×…, weight filters×(C/groups)×kernel…, bias [filters] unless no_bias.
struct Convolution: OperatorDefinition {
    let name = "Convolution"
    let summary = "convolution: grouped, dilated, with or without bias"
    let mxnet: MXNetForm? = MXNetForm("Convolution")
    let quantization = QuantizationRule.float(because: "fuse it first: MXNet's unfused int8 convolution takes uint8 only")

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try ConvolutionAttributes(node.attributes)
        return [ValueType(.float32, try node.type(0).shape.map { try attributes.resultShape(of: $0) })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try ConvolutionAttributes(node.attributes)
        let kernel = attributes.kernelOperation(OutputStage(hasBias: attributes.hasBias))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }
}
