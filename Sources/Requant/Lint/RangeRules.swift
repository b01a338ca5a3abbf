import GraphIR
import Operators
import TensorCore

extension LintRule {
    /// Ranges that are not what calibration found, or not there.
    static let rangeRules = [
        LintRule(
            name: "range-rounded-to-zero", severity: .wrong,
            problem: "has a range of at most one digit, or of zero, of the six decimals that MXNet writes",
            reason:
                "ranges are written as text with six decimals (MXSetCalibTableToQuantizedSymbol); a value below 5e-7 gets a "
                + "range of zero, a scale of 2^31 and codes that are all at the ends",
            advice: "leave the layer in float (quantize --exclude), or scale the model so that its values are larger",
            isTrap: { node, _ in
                guard let range = try? CalibratedRange.read(node.attributes) else { return false }
                return range.magnitude < 1e-5
            }),
        LintRule(
            name: "uncalibrated", severity: .costly, problem: "has no calibrated range: each run finds it",
            reason:
                "every run goes through its values twice, which costs 10 to 20 % of the time, and a result depends on what "
                + "else is in the batch (quantization/quantize_v2-inl.h, requantize-inl.h)",
            advice: "calibrate: give 'requant quantize' data, or a table of ranges",
            isTrap: { node, graph in
                (node.op == "Quantize" || node.op == "Requantize")
                    && graph.resultType(node)?.quantization == .foundAtRunTime
            }),
        LintRule(
            name: "relu6-without-its-clamp", severity: .wrong,
            problem: "is a convolution with a clip whose range is not fused into it",
            reason:
                "MXNet drops the clip, and the relu in it, and leaves it to the end of the calibrated range; without one, "
                + "nothing is cut off (subgraph/mkldnn/mkldnn_conv.cc)",
            advice: "calibrate and fuse again: requant fuse, or requant quantize from the float model",
            isTrap: { node, graph in
                node.op == "FusedConvolution" && graph.worksOnCodes(node)
                    && (try? CalibratedRange.read(node.attributes)) == .some(nil)
                    && node.bodies.first?.nodes.contains { $0.op == "clip" } ?? false
                    && node.bodies.first?.nodes.contains { $0.op == "elemwise_add" } == false
            }),
    ]
}
