import GraphIR
import Kernels
import TensorCore

/// The activation inside of a fused layer, as oneDNN computes it behind the sums
/// (src/operator/nn/mkldnn/mkldnn_act.cc, GetMKLDNNActAlgo; src/operator/subgraph/mkldnn/mkldnn_conv.cc, mkldnn_fc.cc).
enum FusedActivation {
    private enum LeakyKind: String, CaseIterable { case leaky, elu, gelu }

    static func function(of node: Node) throws -> ActivationFunction {
        switch node.op {
        case "LeakyReLU":
            let slope = Float(try node.attributes.number("slope") ?? 0.25)
            switch try node.attributes.choice("act_type", default: LeakyKind.leaky) {
            case .leaky: return ActivationFunction(.relu, alpha: slope)
            case .elu: return ActivationFunction(.elu, alpha: slope)
            case .gelu: return ActivationFunction(.gelu)
            }
        case "clip":
            guard let low = try node.attributes.number("a_min"), let high = try node.attributes.number("a_max") else {
                throw ModelError("clip without its bounds")
            }
            return ActivationFunction(.clip, alpha: Float(low), beta: Float(high))
        case "abs": return ActivationFunction(.abs)
        case "square": return ActivationFunction(.square)
        case "sqrt": return ActivationFunction(.sqrt)
        case "exp": return ActivationFunction(.exp)
        default: return try ActivationForm.function(of: node)
        }
    }
}
