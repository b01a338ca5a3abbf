import GraphIR

/// The choices of MXNet's quantize_graph (python/mxnet/contrib/quantization.py), under MXNet's names.
public struct QuantizationOptions: Sendable {
    /// The type of codes; `auto` is uint8 where no value is negative.
    public enum CodeType: String, Sendable, CaseIterable { case auto, int8, uint8 }
    /// How much is quantized.
    public enum Mode: String, Sendable, CaseIterable {
        /// Every node that can be.
        case full
        /// Layers with weights, and what lies between them.
        case smart
    }
    /// For how many weights of a fully connected layer there is one scale.
    public enum Granularity: String, Sendable, CaseIterable {
        case tensorWise = "tensor-wise"
        case channelWise = "channel-wise"
    }

    /// The type of codes.
    public var codeType: CodeType
    /// How much is quantized.
    public var mode: Mode
    /// For how many weights of a fully connected layer there is one scale.
    public var granularity: Granularity
    /// Nodes that stay in float, by their own name or by the name of a node that they swallowed.
    public var excludedNames: [String]
    /// Operators that stay in float, by MXNet's name or the graph's, fused or not.
    public var excludedOperators: [String]

    /// MXNet's usual choices; nothing is left out.
    public init(
        codeType: CodeType = .auto, mode: Mode = .full, granularity: Granularity = .tensorWise,
        excludedNames: [String] = [], excludedOperators: [String] = []
    ) {
        self.codeType = codeType
        self.mode = mode
        self.granularity = granularity
        self.excludedNames = excludedNames
        self.excludedOperators = excludedOperators
    }
}

/// The names that quantize_graph gives, and how to find back from them.
enum QuantizedNames {
    static func node(_ name: String) -> String { "quantized_\(name)" }
    static func requantize(_ name: String) -> String { "requantize_\(name)" }
    static func dequantize(_ name: String) -> String { "\(name)_dequantize" }
    static func quantize(_ value: String) -> String { "\(value)_quantize" }

    /// `conv0_output` → `quantized_conv0_output`.
    static func outputs(of node: Node, in graph: Graph) -> [String] {
        let twin = self.node(node.name)
        return node.outputs.count == 1
            ? ["\(twin)_output"] : node.outputs.indices.map { "\(twin)_output\($0)" }
    }

    /// `requantize_conv0`, `quantized_bn0` → `conv0_output`, `bn0_output`: the float value that a node's codes stand for.
    static func floatValue(of node: String) -> String {
        let prefix = [requantize(""), self.node("")].first(where: node.hasPrefix) ?? ""
        return node.dropFirst(prefix.count) + "_output"
    }
}
