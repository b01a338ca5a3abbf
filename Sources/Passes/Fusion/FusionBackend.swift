import GraphIR

/// The two sets of rules that MXNet fuses by, under its own names (src/operator/subgraph/mkldnn/mkldnn_subgraph_property.cc).
public enum FusionBackend: String, Sendable, CaseIterable {
    /// What can be quantized afterwards.
    case quantize = "MKLDNN_QUANTIZE"
    /// What oneDNN computes in float.
    case float = "MKLDNN"

    /// What a convolution takes as its activation (mkldnn_conv_property.h).
    func convolutionTakes(_ node: Node, afterSum: Bool) -> Bool {
        switch node.op {
        case "Activation": takesActivation(node)
        case "LeakyReLU": ["leaky", "gelu"].contains(node.attributes.text("act_type") ?? "leaky")
        case "clip": startsAtZero(node) && !(self == .quantize && afterSum)
        default: false
        }
    }

    /// What a fully connected layer takes as its activation (mkldnn_fc_property.h).
    func fullyConnectedTakes(_ node: Node) -> Bool {
        switch node.op {
        case "Activation": takesActivation(node)
        case "LeakyReLU": ["leaky", "elu", "gelu"].contains(node.attributes.text("act_type") ?? "leaky")
        case "clip": startsAtZero(node)
        case "abs": true
        case "square", "sqrt", "exp": self == .float
        default: false
        }
    }

    private func takesActivation(_ node: Node) -> Bool {
        let kind = node.attributes.text("act_type") ?? "relu"
        return self == .quantize ? kind == "relu" : ["relu", "sigmoid", "tanh", "softrelu"].contains(kind)
    }

    private func startsAtZero(_ node: Node) -> Bool { (try? node.attributes.number("a_min")) == 0 }
}
