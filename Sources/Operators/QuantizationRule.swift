import GraphIR

/// What MXNet's quantize_graph does with an operator (FQuantizable and its companions).
public enum QuantizationRule: Sendable {
    /// Weights and a sum of products: always worth quantizing (kMust). Gives int32, so that a requantize follows.
    case weighted(Weighted)
    /// Works on codes and keeps their grid (kSupport): pooling, flatten.
    /// `refusal` says why a node cannot be quantized, if it cannot.
    case passThrough(refusal: @Sendable (any NodeDescription) -> String? = { _ in nil })
    /// Stays in float, and why.
    case float(because: String)

    public struct Weighted: Sendable {
        /// Why this node cannot be quantized, if it cannot.
        public var refusal: @Sendable (any NodeDescription) -> String?
        /// Inputs that become codes at run time; the others stay as they are.
        public var quantizedInputs: @Sendable (any NodeDescription) -> [Int]
        /// Parameters that are stored as int8, tensor-wise.
        public var offlineInputs: @Sendable (any NodeDescription) -> [Int]
        /// MXNet's spelling of the flag that the quantized node carries.
        public var quantizedFlag: String
        /// Whether the operator can leave its parameters in float and quantize them by channel.
        public var supportsChannelWise: Bool

        public init(
            refusal: @escaping @Sendable (any NodeDescription) -> String? = { _ in nil },
            quantizedInputs: @escaping @Sendable (any NodeDescription) -> [Int],
            offlineInputs: @escaping @Sendable (any NodeDescription) -> [Int],
            quantizedFlag: String, supportsChannelWise: Bool
        ) {
            self.refusal = refusal
            self.quantizedInputs = quantizedInputs
            self.offlineInputs = offlineInputs
            self.quantizedFlag = quantizedFlag
            self.supportsChannelWise = supportsChannelWise
        }
    }

    /// Why a node stays in float, if it does.
    public func refusal(of node: any NodeDescription) -> String? {
        switch self {
        case .weighted(let rule): rule.refusal(node)
        case .passThrough(let refusal): refusal(node)
        case .float(let reason): reason
        }
    }

    /// For the table of operators.
    public var summary: String {
        switch self {
        case .weighted: "int8, requantized"
        case .passThrough: "int8, on the grid of its input"
        case .float(let reason): "float: \(reason)"
        }
    }
}
