import GraphIR
import Operators
import TensorCore

extension LintRule {
    /// Layers whose types MXNet computes otherwise than they say, or cannot compute.
    static let arithmeticRules = [
        LintRule(
            name: "residual-sum-of-mixed-types", severity: .wrong,
            problem: "adds a residual of another type of codes than its result has",
            reason:
                "MXNet adds in the residual's buffer and type: an int8 residual makes a uint8 result saturate at 127, half of "
                + "its range (subgraph/mkldnn/mkldnn_conv.cc)",
            advice:
                "run and convert compute the whole range, unless told --mxnet-compat; for MXNet itself, leave the layer in "
                + "float, or set MXNET_DISABLE_MKLDNN_FUSE_CONV_SUM=1 before fusing",
            isTrap: { node, graph in
                guard node.op == "FusedConvolution", let input = (try? FusedConvolutionForm(node))?.residualInput,
                    node.inputs.indices.contains(input), let residual = node.inputs[input].flatMap({ graph[$0].type }),
                    let result = graph.resultType(node)
                else { return false }
                return residual.dataType.isCode && result.dataType.isCode && residual.dataType != result.dataType
            }),
        LintRule(
            name: "addition-of-mixed-types", severity: .wrong,
            problem: "adds uint8 to int8 codes, and no range is fused into it",
            reason: "the uint8 operand is lost: the int32 sum is the int8 one alone "
                + "(quantization/mkldnn/mkldnn_quantized_elemwise_add.cc)",
            advice: "fuse again: requant fuse moves the range of the requantize into it, which is right",
            isTrap: { node, graph in
                let types = Set(graph.inputTypes(node).prefix(2).map(\.dataType))
                return ["elemwise_add", "_contrib_quantized_elemwise_add"].contains(node.op)
                    && types == [.int8, .uint8]
                    && node.attributes[CalibratedRange.minimum] == nil
            }),
        LintRule(
            name: "uint8-where-int8-is-needed", severity: .wrong,
            problem: "gets uint8 codes, or makes them, where values are negative or its kernel takes int8 only",
            reason:
                "a convolution ends with 'ERR-s8' if its data are uint8 and their range begins below zero; quantize makes zeros "
                + "of what is negative; multiplication and attention take int8 only (subgraph/mkldnn/mkldnn_conv.cc, tensor_blob.h)",
            advice: "quantize with --dtype auto, and calibrate such values with naive or with entropy in auto",
            isTrap: { node, graph in
                let data = graph.inputTypes(node).first
                switch node.op {
                case "Quantize": return graph.resultType(node).map(hasNegatives) ?? false
                case "FusedConvolution", "FusedFullyConnected", "Convolution", "FullyConnected":
                    return data.map(hasNegatives) ?? false
                case _ where node.op.hasSuffix("elemwise_mul") || node.op.hasSuffix("selfatt_qk"):
                    return graph.inputTypes(node).prefix(2).contains { $0.dataType == .uint8 && $0.isQuantized }
                default: return false
                }
            }),
        LintRule(
            name: "sums-may-overflow", severity: .costly,
            problem: "sums more products than int32 holds if all are as large as they can be",
            reason: "255 · 127 · 66,312 is above 2^31; MXNet has no saturation there",
            advice: "look at its values with requant diff --layers, or leave it in float (quantize --exclude)",
            isTrap: { node, graph in
                guard node.op == "FusedConvolution" || node.op == "FusedFullyConnected", graph.worksOnCodes(node),
                    let weights = graph.parameter(node, 1), weights.shape.rank > 1, weights.shape[0] > 0
                else { return false }
                return weights.elementCount / weights.shape[0] > Int(Int32.max) / (255 * 127)
            }),
    ]

    /// uint8 codes of a range that begins below zero.
    private static func hasNegatives(_ type: ValueType) -> Bool {
        type.dataType == .uint8 && type.quantization?.grid?.range?.min ?? 0 < 0
    }
}
