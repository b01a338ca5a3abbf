import GraphIR
import Kernels
import TensorCore

/// SSD's boxes of classes, sorted and suppressed; see `MultiBoxDetectionKernel`. MXNet takes class 0 for the background
/// whatever `background_id` says.
struct MultiBoxDetection: DetectionOperator {
    let name = "_contrib_MultiBoxDetection"
    let summary = "decoded, sorted and suppressed boxes of SSD"
    let mxnet: MXNetForm? = MXNetForm("_contrib_MultiBoxDetection")
    let onnx = ONNXForm.composed { node, composition in
        try composition.writeMultiBoxDetection(MultiBoxDetection.kernel(node))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func kernel(_ node: NodeReader) throws -> any Kernel { try Self.kernel(node) }

    private static func kernel(_ node: NodeReader) throws -> MultiBoxDetectionKernel {
        let attributes = node.attributes
        return MultiBoxDetectionKernel(
            scoreThreshold: try attributes.float("threshold", default: 0.01),
            clips: try attributes.boolean("clip") ?? true,
            overlapThreshold: try attributes.float("nms_threshold", default: 0.5),
            ignoresClasses: try attributes.boolean("force_suppress") ?? false,
            variances: try attributes.floats("variances", default: [0.1, 0.1, 0.2, 0.2], count: 4),
            limit: try attributes.limit("nms_topk").flatMap { $0 > 0 ? $0 : nil })
    }

    private static func example(_ title: String, _ attributes: String) -> OperatorExample {
        OperatorExample(
            title,
            """
            %scores: float32[2, 3, 12] = input
            %boxes: float32[2, 48] = input
            %map: float32[1, 1, 2, 2] = input
            %anchors_output = _contrib_MultiBoxPrior(%map) {ratios="(1, 2)", sizes="(0.6, 0.7)"}
            %found_output = _contrib_MultiBoxDetection(%scores, %boxes, %anchors_output) {\(attributes)}
            return %found_output
            """)
    }

    let examples = [
        example("by class", #"nms_threshold="0.4""#),
        example("all classes, few candidates", #"force_suppress="True", nms_threshold="0.3", nms_topk="4""#),
        example("without suppression and clipping", #"clip="False", nms_threshold="0", threshold="0.3""#),
        example("other variances", #"nms_threshold="0.45", variances="(0.2, 0.3, 0.4, 0.5)""#),
    ]
}

/// What SSD's anchors are to learn of labels; see `MultiBoxTargetKernel`.
struct MultiBoxTarget: DetectionOperator {
    let name = "_contrib_MultiBoxTarget"
    let summary = "training targets of SSD's anchors"
    let mxnet: MXNetForm? = MXNetForm("_contrib_MultiBoxTarget")
    let onnx = ONNXForm.unsupported(because: "matches anchors and labels one after the other, for training only")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func kernel(_ node: NodeReader) throws -> any Kernel {
        let attributes = node.attributes
        return MultiBoxTargetKernel(
            overlapThreshold: try attributes.float("overlap_threshold", default: 0.5),
            ignoreLabel: try attributes.float("ignore_label", default: -1),
            negativeMiningRatio: try attributes.float("negative_mining_ratio", default: -1),
            negativeMiningThreshold: try attributes.float("negative_mining_thresh", default: 0.5),
            variances: try attributes.floats("variances", default: [0.1, 0.1, 0.2, 0.2], count: 4))
    }

    private static func example(_ title: String, _ attributes: String) -> OperatorExample {
        OperatorExample(
            title,
            """
            %map: float32[1, 1, 2, 2] = input
            %anchors_output = _contrib_MultiBoxPrior(%map) {ratios="(1, 2)", sizes="(0.6, 0.7)"}
            %labels: float32[1, 3, 5] = parameter(1, 0.1, 0.1, 0.6, 0.7, 0, 0.5, 0.5, 0.9, 0.95, -1, -1, -1, -1, -1)
            %scores: float32[1, 3, 12] = input
            %target_output0, %target_output1, %target_output2 = _contrib_MultiBoxTarget(%anchors_output, %labels, \
            %scores) {\(attributes)} name=target
            return %target_output0, %target_output1, %target_output2
            """)
    }

    let examples = [
        example("all others are negative", #"overlap_threshold="0.4""#),
        example("the hardest are negative", #"ignore_label="-2", negative_mining_ratio="1.5""#),
    ]
}
