import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// relu, sigmoid, tanh, softrelu, softsign (src/operator/nn/activation.cc). float, or relu on codes.
struct Activation: OperatorDefinition {
    let name = "Activation"
    let summary = "relu, sigmoid, tanh, softrelu, softsign"
    let mxnet: MXNetForm? = MXNetForm("Activation", quantized: "_contrib_quantized_act")
    let quantization = QuantizationRule.passThrough(refusal: { node in
        let kind = node.attributes.text("act_type") ?? "relu"
        return kind == "relu" ? nil : "\(kind) cannot be computed on codes"
    })

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign",
            write: { node, writing in
                writing.emit(
                    try ActivationForm.kind(of: node.node).onnxType, node, inputs: [try writing.name(node, 0)])
            },
            read: { reading in
                let kind = ActivationForm.Kind.allCases.first { $0.onnxType == reading.node.opType } ?? .relu
                reading.define("Activation", ["act_type": .text(kind.rawValue)])
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let function = try ActivationForm.function(of: node.node)
        let type = try node.type(0)
        guard !type.isQuantized || function == ActivationFunction(.relu) else {
            throw ModelError("\(function.kind.rawValue) cannot be computed on codes")
        }
        return [type]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let kernel = ActivationKernel(try ActivationForm.function(of: node.node))
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: source.codes))
    }

    let examples = ActivationForm.Kind.allCases.map { kind in
        OperatorExample(
            kind.rawValue,
            """
            %data: float32[2, 3, 4] = input
            %act_output = Activation(%data) {act_type="\(kind.rawValue)"}
            return %act_output
            """)
    }
}

/// The function that a node of one of the activation operators applies.
enum ActivationForm {
    enum Kind: String, CaseIterable {
        case relu, sigmoid, tanh, softrelu, softsign

        var onnxType: String {
            switch self {
            case .relu: "Relu"
            case .sigmoid: "Sigmoid"
            case .tanh: "Tanh"
            case .softrelu: "Softplus"
            case .softsign: "Softsign"
            }
        }
    }

    static func kind(of node: Node) throws -> Kind {
        guard node.op == "Activation" else { throw ModelError("\(node.op) is not an activation that can be fused") }
        return try node.attributes.choice("act_type", default: Kind.relu)
    }

    static func function(of node: Node) throws -> ActivationFunction {
        switch try kind(of: node) {
        case .relu: return ActivationFunction(.relu)
        case .sigmoid: return ActivationFunction(.sigmoid)
        case .tanh: return ActivationFunction(.tanh)
        case .softrelu: return ActivationFunction(.softrelu)
        case .softsign: return ActivationFunction(.softsign)
        }
    }
}
