import GraphIR
import Kernels
import TensorCore

/// y = x·Wᵀ + b (src/operator/nn/fully_connected.cc). Inputs: data N×…, weight num_hidden×K, bias [num_hidden] unless no_bias.
struct FullyConnected: OperatorDefinition {
    let name = "FullyConnected"
    let summary = "fully connected layer"
    let mxnet: MXNetForm? = MXNetForm("FullyConnected")
    let quantization = QuantizationRule.float(because: "fuse it first; MXNet's quantizer wants the fused form")

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try FullyConnectedAttributes(node.attributes)
        return [ValueType(.float32, try node.type(0).shape.map { try attributes.resultShape(of: $0) })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try FullyConnectedAttributes(node.attributes)
        let kernel = InnerProductKernel(stage: OutputStage(hasBias: attributes.hasBias))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }
}

/// The attributes of FullyConnected (src/operator/nn/fully_connected-inl.h).
struct FullyConnectedAttributes {
    var units: Int
    var hasBias: Bool

    init(_ attributes: Attributes) throws {
        guard let units = try attributes.integer("num_hidden"), units > 0 else {
            throw ModelError("num_hidden is missing or not positive")
        }
        self.units = units
        hasBias = try !(attributes.boolean("no_bias") ?? false)
        guard try attributes.boolean("flatten") ?? true else {
            throw ModelError("flatten=False is not supported yet")
        }
    }

    func resultShape(of source: Shape) throws -> Shape {
        guard source.rank >= 2 else { throw ModelError("data of shape \(source) has no axis to multiply along") }
        return [source[0], units]
    }
}
