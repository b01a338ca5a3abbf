import GraphIR
import Operators
import TensorCore

extension LintRule {
    /// Weights that are not what one expects of an int8 checkpoint.
    static let weightRules = [
        LintRule(
            name: "small-gain-of-fully-connected", severity: .costly,
            problem: "has one scale for all of its int8 weights, and its results are 0.39 % small",
            reason: "its parameters were made with 127 over the largest and are read with 127.5 over it "
                + "(quantization/quantize-inl.h, subgraph/mkldnn/mkldnn_fc.cc); a classifier does not mind, a regression does",
            advice: "run and convert read them with 127, unless told --mxnet-compat; for MXNet itself, quantize with "
                + "--granularity channel-wise",
            isTrap: { node, graph in
                (node.op == "FusedFullyConnected" || node.op == "FullyConnected") && graph.worksOnCodes(node)
                    && graph.parameter(node, 1)?.dataType == .int8
            }),
        LintRule(
            name: "dead-channels", severity: .costly,
            problem: "has channels whose weights are all zero, with a bias",
            reason:
                "the scale of such a channel is 2^31 or what the bias leaves of it, so that files and other runtimes get steps "
                + "that are nearly zero or infinite (subgraph/mkldnn/mkldnn_conv-inl.h)",
            advice: "prune the channels: they compute a constant",
            isTrap: { node, graph in
                guard node.op == "FusedConvolution", graph.worksOnCodes(node),
                    let form = try? FusedConvolutionForm(node)
                else { return false }
                return form.hasDeadChannels(of: node, in: graph)
            }),
        LintRule(
            name: "weights-in-float", severity: .note, problem: "keeps its weights in float",
            reason:
                "MXNet makes int8 of them when it loads the model, so the file is as large as that of the float model "
                + "(apache/mxnet#17053)",
            advice: "requant convert -o NAME.onnx stores them in int8: a quarter of the size",
            isTrap: { node, graph in
                graph.worksOnCodes(node) && (graph.parameter(node, 1)?.dataType.isFloatingPoint ?? false)
                    && (graph.parameter(node, 1)?.shape.rank ?? 0) > 1
            }),
    ]
}

extension FusedConvolutionForm {
    /// Whether a channel of the folded weights is all zero, and its bias is not: W' = W·γ/σ, b' = β + (b − µ)·γ/σ.
    fileprivate func hasDeadChannels(of node: Node, in graph: Graph) -> Bool {
        guard let weights = graph.parameter(node, 1), weights.dataType == .float32, weights.shape.rank > 1 else {
            return false
        }
        let channels = weights.shape[0], size = channels > 0 ? weights.elementCount / channels : 0
        guard size > 0 else { return false }
        func vector(_ input: Int?) -> [Float]? {
            guard let tensor = input.flatMap({ graph.parameter(node, $0) }), tensor.dataType == .float32,
                tensor.elementCount == channels
            else { return nil }
            return tensor.elements(as: Float.self)
        }
        let first = batchNormInputs?.lowerBound
        let isFixed =
            (try? node.bodies.first?.nodes.first { $0.op == "BatchNorm" }?.attributes.boolean("fix_gamma")) ?? true
        let gammas = isFixed ? nil : vector(first), offsets = vector(first.map { $0 + 1 }) ?? vector(biasInput)
        guard let offsets else { return false }
        defer { weights.letGoOfPages() }
        return weights.withElements(as: Float.self) { weights in
            (0..<channels).contains { channel in
                guard offsets[channel] != 0 else { return false }
                return gammas?[channel] == 0 || weights[channel * size..<(channel + 1) * size].allSatisfy { $0 == 0 }
            }
        }
    }
}
