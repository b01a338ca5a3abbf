import GraphIR
import Kernels
import TensorCore

/// Non-maximum suppression; see `BoxSuppressionKernel`. Its hidden output says where the rows come from.
struct BoxSuppression: DetectionOperator {
    let name = "_contrib_box_nms"
    let summary = "non-maximum suppression of rows with a score and a box"
    let mxnet: MXNetForm? = MXNetForm(
        "_contrib_box_nms", "_contrib_box_non_maximum_suppression", hiddenOutputs: { _ in 1 })
    let onnx = ONNXForm.composed { node, composition in
        try composition.writeBoxSuppression(BoxSuppression.kernel(node))
    }

    func kernel(_ node: NodeReader) throws -> any Kernel { try Self.kernel(node) }

    private static func kernel(_ node: NodeReader) throws -> BoxSuppressionKernel {
        let attributes = node.attributes
        func column(_ name: String) throws -> Int? {
            guard let column = try attributes.integer(name), column >= 0 else { return nil }
            return column
        }
        let coordinates = try attributes.integer("coord_start") ?? 2
        guard 0...(1 << 30) ~= coordinates else { throw ModelError("coord_start=\(coordinates) is out of range") }
        let classColumn = try column("id_index")
        return BoxSuppressionKernel(
            overlapThreshold: try attributes.float("overlap_thresh", default: 0.5),
            scoreThreshold: try attributes.float("valid_thresh", default: 0),
            limit: try attributes.limit("topk"), coordinates: coordinates,
            score: try attributes.integer("score_index") ?? 1, classColumn: classColumn,
            // Also where nobody says which one it is: rows of class −1 take no part.
            background: try classColumn.map { _ in try attributes.integer("background_id") ?? -1 },
            ignoresClasses: try attributes.boolean("force_suppress") ?? false,
            format: try attributes.choice("in_format", default: .corner),
            resultFormat: try attributes.choice("out_format", default: .corner))
    }

    private static func example(_ title: String, _ rows: String, _ attributes: String) -> OperatorExample {
        OperatorExample(
            title,
            """
            \(rows)
            %nms_output = _contrib_box_nms(%data) {\(attributes)}
            return %nms_output
            """)
    }

    private static let boxes = """
        %data: float32[1, 6, 6] = parameter(0, 0.5, 0.1, 0.1, 0.5, 0.5, 1, 0.4, 0.1, 0.1, 0.5, 0.52, 0, 0.6, 0.12, 0.1, \
        0.5, 0.5, 1, 0.9, 0.1, 0.12, 0.5, 0.5, 2, 0.9, 0.5, 0.5, 0.9, 0.9, 0, 0.005, 0.6, 0.6, 0.9, 0.9)
        """

    let examples = [
        example("by class", boxes, #"id_index="0", valid_thresh="0.01""#),
        example("all classes", boxes, #"force_suppress="True", id_index="0", overlap_thresh="0.3", topk="4""#),
        example("without the background", boxes, #"background_id="0", id_index="0", out_format="center""#),
        example(
            "in lists, by centre", "%data: float32[2, 2, 9, 5] = input",
            #"coord_start="1", in_format="center", overlap_thresh="0.1", score_index="0", valid_thresh="-0.5""#),
        example(
            "nothing is left", "%data: float32[4, 6] = input", #"valid_thresh="2""#),
    ]
}
