import GraphIR
import Kernels
import TensorCore

/// Intersection over union; see `BoxOverlapKernel`.
struct BoxOverlap: DetectionOperator {
    let name = "_contrib_box_iou"
    let summary = "intersection over union of boxes"
    let mxnet: MXNetForm? = MXNetForm("_contrib_box_iou")
    let onnx = ONNXForm.unsupported(because: "ONNX has no operator for it")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func kernel(_ node: NodeReader) throws -> any Kernel {
        BoxOverlapKernel(try node.attributes.choice("format", default: .corner))
    }

    let examples = ["corner", "center"].map { format in
        OperatorExample(
            "by \(format)",
            """
            %a: float32[2, 3, 4] = input
            %b: float32[5, 4] = input
            %iou_output = _contrib_box_iou(%a, %b) {format="\(format)"}
            return %iou_output
            """)
    }
}

/// Boxes from anchors and predictions; see `BoxDecodeKernel`.
struct BoxDecode: DetectionOperator {
    let name = "_contrib_box_decode"
    let summary = "boxes from anchors and predictions"
    let mxnet: MXNetForm? = MXNetForm("_contrib_box_decode")
    let onnx = ONNXForm.composed { node, composition in
        try composition.writeBoxDecode(BoxDecode.kernel(node))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func kernel(_ node: NodeReader) throws -> any Kernel { try Self.kernel(node) }

    private static func kernel(_ node: NodeReader) throws -> BoxDecodeKernel {
        let clip = try node.attributes.float("clip", default: -1)
        return BoxDecodeKernel(
            deviations: try (0..<4).map { try node.attributes.float("std\($0)", default: 1) },
            clip: clip > 0 ? clip : nil, format: try node.attributes.choice("format", default: .center))
    }

    private static func example(_ title: String, _ attributes: String) -> OperatorExample {
        OperatorExample(
            title,
            """
            %data: float32[2, 3, 4] = input
            %anchors: float32[1, 3, 4] = input
            %decode_output = _contrib_box_decode(%data, %anchors) {\(attributes)}
            return %decode_output
            """)
    }

    let examples = [
        example("by centre", #"std0="0.1", std1="0.1", std2="0.2", std3="0.2""#),
        example("by corner, clipped", #"clip="0.25", format="corner", std0="1", std1="2", std2="3", std3="4""#),
    ]
}

/// What a network should predict for matched boxes; see `BoxEncodeKernel`.
struct BoxEncode: DetectionOperator {
    let name = "_contrib_box_encode"
    let summary = "training targets of matched boxes"
    let mxnet: MXNetForm? = MXNetForm("_contrib_box_encode")
    let onnx = ONNXForm.unsupported(because: "it is for training only")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 6...6 }

    func kernel(_ node: NodeReader) throws -> any Kernel { BoxEncodeKernel() }

    let examples = [
        OperatorExample(
            "some are negative",
            """
            %samples: float32[1, 3] = parameter(1, -1, 1)
            %matches: float32[1, 3] = parameter(1, 0, 0)
            %anchors: float32[1, 3, 4] = parameter(0, 0, 2, 3, 1, 1, 3, 2, 0.5, 1, 4, 5)
            %references: float32[1, 2, 4] = parameter(1, 2, 3, 4, 0, 0.5, 2, 2.5)
            %means: float32[4] = parameter(0, 0.1, 0.2, 0.3)
            %deviations: float32[4] = parameter(0.1, 0.1, 0.2, 0.2)
            %encode_output0, %encode_output1 = _contrib_box_encode(%samples, %matches, %anchors, %references, %means, \
            %deviations) name=encode
            return %encode_output0, %encode_output1
            """)
    ]
}

/// Pairs rows and columns by their scores; see `BipartiteMatchingKernel`.
struct BipartiteMatching: DetectionOperator {
    let name = "_contrib_bipartite_matching"
    let summary = "rows and columns paired by their scores"
    let mxnet: MXNetForm? = MXNetForm("_contrib_bipartite_matching")
    let onnx = ONNXForm.unsupported(because: "it pairs one after the other, for training only")

    func kernel(_ node: NodeReader) throws -> any Kernel {
        guard let threshold = try node.attributes.number("threshold") else { throw ModelError("threshold is missing") }
        return BipartiteMatchingKernel(
            isAscending: try node.attributes.boolean("is_ascend") ?? false, threshold: Float(threshold),
            limit: try node.attributes.limit("topk").flatMap { $0 > 0 ? $0 : nil })
    }

    private static func example(_ title: String, _ attributes: String) -> OperatorExample {
        OperatorExample(
            title,
            """
            %scores: float32[2, 4, 3] = input
            %match_output0, %match_output1 = _contrib_bipartite_matching(%scores) {\(attributes)} name=match
            return %match_output0, %match_output1
            """)
    }

    let examples = [
        example("the largest first", #"threshold="0.1""#),
        example("the smallest first, few", #"is_ascend="True", threshold="0.5", topk="1""#),
    ]
}
