import GraphIR

/// What a drawing says about an operation, whichever format named it: its category, its title and its main attributes.
/// An operation that is not listed is drawn under its own name with its first attributes.
enum Operation {
    private static let categories: [String: DrawnNode.Category] = {
        let families: [(DrawnNode.Category, [String])] = [
            (
                .weighted,
                [
                    "Convolution", "Deconvolution", "FullyConnected", "Embedding", "RNN", "dot", "batch_dot", "Conv",
                    "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul",
                    "LSTM", "GRU", "PlainRNN", "_contrib_DeformableConvolution",
                    "_contrib_ModulatedDeformableConvolution",
                ]
            ),
            (.fused, ["FusedConvolution", "FusedFullyConnected"]),
            (
                .normalization,
                [
                    "BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm", "L2Normalization", "LRN",
                    "BatchNormalization",
                    "LayerNormalization", "InstanceNormalization", "RMSNormalization", "MeanVarianceNormalization",
                ]
            ),
            (
                .activation,
                [
                    "Activation", "LeakyReLU", "relu", "sigmoid", "tanh", "clip", "Relu", "LeakyRelu", "PRelu", "Elu",
                    "Selu", "Gelu", "GeluTanh", "Swish", "Mish", "Celu", "PRelu", "softsign", "hard_sigmoid", "Sigmoid",
                    "Tanh", "Clip", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Erf",
                ]
            ),
            (
                .pooling,
                [
                    "Pooling", "Pooling_v1", "_contrib_AdaptiveAvgPooling2D", "MaxPool", "AveragePool",
                    "GlobalAveragePool", "GlobalMaxPool", "LpPool",
                ]
            ),
            (
                .sum,
                [
                    "elemwise_add", "_plus", "_Plus", "broadcast_add", "broadcast_plus", "ElementWiseSum", "add_n",
                    "Add",
                    "Sum", "QLinearAdd",
                ]
            ),
            (.joining, ["Concat", "concat", "stack", "ConcatFromSequence"]),
            (
                .shaping,
                [
                    "Flatten", "Reshape", "_np_reshape", "_npx_reshape", "reshape_like", "expand_dims", "squeeze",
                    "transpose", "Transpose", "SwapAxis", "slice", "slice_axis", "slice_like", "SliceChannel", "Split",
                    "Slice", "Squeeze", "Unsqueeze", "Dropout", "_copy", "Identity", "Pad", "tile", "repeat",
                    "broadcast_to", "broadcast_like", "Expand", "Cast", "depth_to_space", "space_to_depth",
                ]
            ),
            (
                .quantizing,
                [
                    "Quantize", "QuantizeAsymmetric", "Requantize", "Dequantize", "QuantizeLinear", "DequantizeLinear",
                    "DynamicQuantizeLinear",
                ]
            ),
        ]
        return Dictionary(families.flatMap { category, ops in ops.map { ($0, category) } }) { first, _ in first }
    }()

    static func category(of node: Node) -> DrawnNode.Category { categories[node.op] ?? .other }

    /// True for what reads data first and then nothing but parameters.
    static func readsParameters(_ node: Node) -> Bool {
        switch node.op {
        case "dot", "batch_dot", "MatMul", "MatMulInteger", "QLinearMatMul": false
        default: [.weighted, .fused, .normalization].contains(category(of: node))
        }
    }

    /// True for what turns codes into floating-point numbers again.
    static func endsCodes(_ node: Node) -> Bool { node.op == "Dequantize" }

    static func title(of node: Node) -> String {
        let attributes = node.attributes
        switch node.op {
        case "FusedConvolution": return "Fused convolution"
        case "FusedFullyConnected": return "Fused fully connected"
        case "FullyConnected": return "Fully connected"
        case "Activation", "LeakyReLU": return attributes.text("act_type") ?? node.op
        case "Relu": return "relu"
        case "Quantize", "Requantize":
            let type = attributes.text("out_type").map { " → \($0)" }
            return node.op + (type ?? "")
        case "Pooling":
            let scope = isTrue(attributes, "global_pool") ? "Global " : ""
            return scope + (attributes.text("pool_type") ?? "max") + " pooling"
        default: return category(of: node) == .sum ? "+" : node.op
        }
    }

    /// The title inside a fused node, where a lone `+` would puzzle.
    static func partTitle(of node: Node) -> String { category(of: node) == .sum ? "+ sum" : title(of: node) }

    /// The attributes that a reader looks for: kernel, stride, padding, filters, groups, units.
    static func details(of node: Node) -> String {
        let attributes = node.attributes
        switch category(of: node) {
        case .weighted, .pooling:
            var parts = isTrue(attributes, "global_pool") ? [] : windowDetails(attributes)
            if let filters = attributes.text("num_filter") { parts.append("\(filters) filters") }
            if let units = attributes.text("num_hidden") { parts.append("\(units) units") }
            for name in ["num_group", "group"] {
                if let groups = attributes.text(name), groups != "1" { parts.append("\(groups) groups") }
            }
            return parts.joined(separator: ", ")
        case .other:
            let telling = attributes.filter { !$0.key.hasSuffix("_calib_range") && $0.key != "quantized" }
            return telling.prefix(3).map { "\($0.key) \(String($0.value.description.prefix(24)))" }
                .joined(separator: ", ")
        default: return ""
        }
    }

    /// `3×3 / 2, pad 1`: MXNet's names or ONNX's; what has no effect is left out.
    private static func windowDetails(_ attributes: Attributes) -> [String] {
        func tuple(_ names: String...) -> [Int]? { names.lazy.compactMap { integers(attributes, $0) }.first }
        var parts: [String] = []
        if let kernel = tuple("kernel", "kernel_shape"), !kernel.isEmpty {
            parts.append(kernel.map(String.init).joined(separator: "×"))
            if let stride = tuple("stride", "strides"), stride.contains(where: { $0 != 1 }) {
                parts[0] += " / \(short(stride))"
            }
        }
        if let pad = tuple("pad", "pads"), pad.contains(where: { $0 != 0 }) { parts.append("pad \(short(pad))") }
        if let dilation = tuple("dilate", "dilations"), dilation.contains(where: { $0 != 1 }) {
            parts.append("dilation \(short(dilation))")
        }
        return parts
    }

    /// One number where all are equal.
    private static func short(_ values: [Int]) -> String {
        Set(values).count == 1 ? "\(values[0])" : values.map(String.init).joined(separator: "×")
    }

    private static func integers(_ attributes: Attributes, _ name: String) -> [Int]? {
        (try? attributes.integers(name)) ?? nil
    }

    private static func isTrue(_ attributes: Attributes, _ name: String) -> Bool {
        ((try? attributes.boolean(name)) ?? nil) ?? false
    }
}
