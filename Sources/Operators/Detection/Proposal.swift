import GraphIR
import Kernels
import TensorCore

/// Region proposals of one image or of several; see `ProposalKernel`. Computes the scores in any case; `output_score`
/// shows them.
struct Proposal: DetectionOperator {
    let name: String
    let summary: String
    private let takesBatches: Bool

    static let single = Proposal(
        name: "_contrib_Proposal", summary: "region proposals of Faster R-CNN", takesBatches: false)
    static let multiple = Proposal(
        name: "_contrib_MultiProposal", summary: "region proposals of Faster R-CNN for several images",
        takesBatches: true)

    var mxnet: MXNetForm? {
        MXNetForm(name, hiddenOutputs: { node in (try? node.attributes.boolean("output_score")) ?? false ? 0 : 1 })
    }

    var onnx: ONNXForm {
        .composed { node, composition in try composition.writeProposal(proposalKernel(node)) }
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func kernel(_ node: NodeReader) throws -> any Kernel { try proposalKernel(node) }

    private func proposalKernel(_ node: NodeReader) throws -> ProposalKernel {
        let attributes = node.attributes
        let stride = try attributes.integer("feature_stride") ?? 16
        let limit = try attributes.integer("rpn_post_nms_top_n") ?? 300
        let candidates = try attributes.integer("rpn_pre_nms_top_n") ?? 6000
        guard 1...(1 << 20) ~= stride, 1...(1 << 30) ~= limit else {
            throw ModelError("feature_stride or rpn_post_nms_top_n is out of range")
        }
        if !takesBatches, let images = try node.type(0).shape?.dimensions.first, images != 1 {
            throw ModelError("takes one image, but there are \(images)", advice: "use _contrib_MultiProposal")
        }
        return ProposalKernel(
            scales: try attributes.floats("scales", default: [4, 8, 16, 32]),
            ratios: try attributes.floats("ratios", default: [0.5, 1, 2]), stride: stride,
            overlapThreshold: try attributes.float("threshold", default: 0.7),
            minimumSize: try attributes.float("rpn_min_size", default: 16),
            candidates: candidates > 0 ? candidates : nil, limit: limit,
            predictsCorners: try attributes.boolean("iou_loss") ?? false)
    }

    var examples: [OperatorExample] {
        let images = takesBatches ? 2 : 1
        func example(_ title: String, outputs: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %scores: float32[\(images), 8, 4, 5] = input
                %boxes: float32[\(images), 16, 4, 5] = input
                %info: float32[\(images), 3] = parameter(64, 80, 1\(takesBatches ? ", 60, 50, 1.5" : ""))
                \(outputs) = \(name)(%scores, %boxes, %info) {\(attributes), ratios="(0.5, 2)", scales="(1, 2)"} \
                name=proposal
                return \(outputs)
                """)
        }
        return [
            example(
                "the best of many", outputs: "%proposal_output",
                #"rpn_min_size="8", rpn_post_nms_top_n="6", rpn_pre_nms_top_n="30", threshold="0.6""#),
            example(
                "more than there are, with scores", outputs: "%proposal_output0, %proposal_output1",
                #"iou_loss="True", output_score="True", rpn_min_size="2", rpn_post_nms_top_n="12", "#
                    + #"rpn_pre_nms_top_n="10", threshold="0.2""#),
        ]
    }
}
