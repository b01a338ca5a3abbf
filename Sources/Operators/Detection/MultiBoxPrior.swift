import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The anchors of SSD: around the centre of each place of an N×C×H×W map, a box for each size and one more for each
/// further ratio (src/operator/contrib/multibox_prior.cc) → 1×(H·W·(S + R − 1))×4 by corners, in parts of the image.
///
///     centre = (place + offset) · step      step = 1 / extent, if none is given
///     height = size / √ratio, width = size · √ratio · H / W
struct MultiBoxPrior: OperatorDefinition {
    let name = "_contrib_MultiBoxPrior"
    let summary = "anchor boxes of SSD"
    let mxnet: MXNetForm? = MXNetForm("_contrib_MultiBoxPrior")
    let quantization = QuantizationRule.float(because: "depends on shapes only, not on values")
    let dependsOnShapesOnly = true

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let boxes = try MultiBoxPrior.boxes(node, node.shape(0))
                writing.initializer(writing.output(node), boxes)
            },
            read: { _ in throw ModelError("ONNX has constants for it") }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let map = try node.type(0).shape else { return [ValueType(.float32, nil)] }
        return [ValueType(.float32, try Self.shape(node, map))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        lowering.define(node, LoweredValue(lowering.addConstant(try Self.boxes(node, node.shape(0)))))
    }

    private static func options(_ node: NodeReader) throws -> (sizes: [Float], ratios: [Float]) {
        let sizes = try node.attributes.floats("sizes", default: [1])
        let ratios = try node.attributes.floats("ratios", default: [1])
        guard !sizes.isEmpty, !ratios.isEmpty, ratios.allSatisfy({ $0 > 0 }) else {
            throw ModelError("sizes or ratios are missing or out of range")
        }
        return (sizes, ratios)
    }

    private static func shape(_ node: NodeReader, _ map: Shape) throws -> Shape {
        guard map.rank == 4 else { throw ModelError("data of shape \(map) is not a map of an image") }
        let (sizes, ratios) = try options(node)
        let places = try Shape(checking: [map[2], map[3], sizes.count + ratios.count - 1])
        return try Shape(checking: [1, places.elementCount, 4])
    }

    private static func boxes(_ node: NodeReader, _ map: Shape) throws -> Tensor {
        let shape = try shape(node, map), (sizes, ratios) = try options(node)
        let (height, width) = (map[2], map[3])
        var steps = try node.attributes.floats("steps", default: [-1, -1], count: 2)
        if steps.contains(where: { $0 <= 0 }) { steps = [1 / Float(height), 1 / Float(width)] }
        let offsets = try node.attributes.floats("offsets", default: [0.5, 0.5], count: 2)
        // Half of the width and height of each box around a place.
        let kinds = sizes.map { ($0, ratios[0]) } + ratios.dropFirst().map { (sizes[0], $0) }
        let halves = kinds.map { size, ratio in
            (size * Float(height) / Float(width) * ratio.squareRoot() / 2, size / ratio.squareRoot() / 2)
        }
        var elements: [Float] = []
        elements.reserveCapacity(shape.elementCount)
        for row in 0..<height {
            let y = (Float(row) + offsets[0]) * steps[0]
            for column in 0..<width {
                let x = (Float(column) + offsets[1]) * steps[1]
                for (w, h) in halves { elements += [x - w, y - h, x + w, y + h] }
            }
        }
        if try node.attributes.boolean("clip") ?? false { elements = elements.map { min(max($0, 0), 1) } }
        return Tensor(elements, shape: shape)
    }

    let examples = [
        OperatorExample(
            "sizes and ratios on a map that is not square",
            """
            %data: float32[2, 3, 2, 3] = input
            %anchors_output = _contrib_MultiBoxPrior(%data) {ratios="(1, 2, 0.5)", sizes="(0.2, 0.25)"}
            return %anchors_output
            """),
        OperatorExample(
            "steps and offsets, clipped",
            """
            %data: float32[1, 1, 3, 2] = input
            %anchors_output = _contrib_MultiBoxPrior(%data) {clip="True", offsets="(0.4, 0.6)", ratios="(2,)", \
            sizes="(0.9, 0.5)", steps="(0.3, 0.5)"}
            return %anchors_output
            """),
    ]
}
