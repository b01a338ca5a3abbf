import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// relu, sigmoid, tanh, softrelu, softsign (src/operator/nn/activation.cc). float, or relu on codes.
struct Activation: ElementFunction {
    let name = "Activation"
    let summary = "relu, sigmoid, tanh, softrelu, softsign"
    let mxnet: MXNetForm? = MXNetForm("Activation", "_npx_activation", quantized: "_contrib_quantized_act")
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

    func function(of node: any NodeDescription) throws -> ActivationFunction { try ActivationForm.kind(of: node).function }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let function = try function(of: node.node)
        let type = try node.type(0)
        guard !type.isQuantized || function == ActivationFunction(.relu) else {
            throw ModelError("\(function.kind.rawValue) cannot be computed on codes")
        }
        return [type]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        guard source.codes != nil else { return try lowerFunction(node, &lowering) }
        let kernel = ActivationKernel(try function(of: node.node))
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

        var function: ActivationFunction {
            switch self {
            case .relu: ActivationFunction(.relu)
            case .sigmoid: ActivationFunction(.sigmoid)
            case .tanh: ActivationFunction(.tanh)
            case .softrelu: ActivationFunction(.softrelu)
            case .softsign: ActivationFunction(.softsign)
            }
        }
    }

    static func kind(of node: any NodeDescription) throws -> Kind {
        try node.attributes.choice("act_type", default: Kind.relu)
    }

    static func function(of node: Node) throws -> ActivationFunction {
        guard let definition = OperatorTable.standard[node.op] as? any ElementFunction else {
            throw ModelError("\(node.op) is not an activation that can be fused")
        }
        return try definition.function(of: node)
    }
}
