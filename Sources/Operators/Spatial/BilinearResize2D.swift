import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Images resized along straight lines between their elements (src/operator/contrib/bilinear_resize.cc). `mode` says to
/// which size: height and width or their scales, that of a second input, or the next odd or even one.
struct BilinearResize2D: OperatorDefinition {
    enum Mode: String, CaseIterable {
        case size, like
        case oddScale = "odd_scale"
        case toEvenDown = "to_even_down"
        case toEvenUp = "to_even_up"
        case toOddDown = "to_odd_down"
        case toOddUp = "to_odd_up"
    }

    let name = "_contrib_BilinearResize2D"
    let summary = "bilinear resizing of images"
    let mxnet: MXNetForm? = MXNetForm("_contrib_BilinearResize2D")
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let shape = try node.knownImageShape()
                let (height, width) = try BilinearResize2D.size(node, shape)
                let sizes = writing.initializer(
                    node.node.name + "_sizes", Tensor([shape[0], shape[1], height, width].map { Int64($0) }))
                let mode = try BilinearResize2D.alignsCorners(node) ? "align_corners" : "half_pixel"
                writing.emit(
                    "Resize", node, inputs: [try writing.name(node, 0), "", "", sizes],
                    attributes: [
                        ONNXAttribute("coordinate_transformation_mode", .string(mode)),
                        ONNXAttribute("mode", .string("linear")),
                    ])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> {
        node.attributes.text("mode") == "like" ? 2...2 : 1...1
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let shape = try node.imageShape() else { return [ValueType(.float32, nil)] }
        if try node.attributes.choice("mode", default: Mode.size) == .like, try node.type(1).shape == nil {
            return [ValueType(.float32, nil)]
        }
        let (height, width) = try Self.size(node, shape)
        return [ValueType(.float32, try Shape(checking: [shape[0], shape[1], height, width]))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.knownImageShape()
        let size = try Self.size(node, shape), aligns = try Self.alignsCorners(node)
        try lowering.resample(
            node,
            [
                .linear(from: shape[2], to: size.height, alignsCorners: aligns),
                .linear(from: shape[3], to: size.width, alignsCorners: aligns),
            ])
    }

    private static func alignsCorners(_ node: NodeReader) throws -> Bool {
        try node.attributes.boolean("align_corners") ?? true
    }

    private static func size(_ node: NodeReader, _ shape: Shape) throws -> (height: Int, width: Int) {
        let mode = try node.attributes.choice("mode", default: Mode.size)
        func resized(_ extent: Int, _ name: String) throws -> Int {
            let scale = try node.attributes.number("scale_" + name)
            func scaled(_ extent: Int) throws -> Int {
                let result = Double(extent) * (scale ?? 1)
                guard 0...0x1p30 ~= result else { throw ModelError("scale_\(name)=\(scale ?? 1) is out of range") }
                return Int(result)
            }
            switch mode {
            case .size: return try scale == nil ? node.attributes.extents(name)?.first ?? 1 : scaled(extent)
            case .oddScale: return try extent % 2 == 0 ? scaled(extent) : scaled(extent - 1) + 1
            case .toEvenDown: return extent - extent % 2
            case .toEvenUp: return extent + extent % 2
            case .toOddDown: return extent - (1 - extent % 2)
            case .toOddUp: return extent + (1 - extent % 2)
            case .like: return extent
            }
        }
        guard mode == .like else { return (try resized(shape[2], "height"), try resized(shape[3], "width")) }
        let like = try node.knownImageShape(1)
        return (like[2], like[3])
    }

    let examples = [
        OperatorExample(
            "larger, corners aligned",
            """
            %data: float32[2, 3, 4, 5] = input
            %resize_output = _contrib_BilinearResize2D(%data) {height="7", width="9"}
            return %resize_output
            """),
        OperatorExample(
            "edges aligned",
            """
            %data: float32[1, 2, 7, 5] = input
            %resize_output = _contrib_BilinearResize2D(%data) {align_corners="False", height="3", width="11"}
            return %resize_output
            """),
        OperatorExample(
            "as large as another",
            """
            %data: float32[1, 2, 3, 4] = input
            %like: float32[1, 5, 6, 5] = input
            %resize_output = _contrib_BilinearResize2D(%data, %like) {align_corners="False", mode="like"}
            return %resize_output
            """),
        OperatorExample(
            "to a scale, kept odd",
            """
            %data: float32[1, 2, 5, 6] = input
            %resize_output = _contrib_BilinearResize2D(%data) {align_corners="False", mode="odd_scale", scale_height="1.5", scale_width="0.7"}
            return %resize_output
            """),
    ]
}
