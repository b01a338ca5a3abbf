import GraphIR
import ONNXFormat
import TensorCore

/// ONNX's CenterCropPad: along each of `axes`, the middle of what is too large, zeros around what is too small, up to
/// `shape`. Of an odd difference, the larger part goes, or comes, at the end.
struct CenterCropPad: ArrangingOperator {
    let name = "CenterCropPad"
    let summary = "cut or padded around the middle up to a shape"
    let mxnet: MXNetForm? = nil

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(
                "CenterCropPad", write: writeMoves,
                read: { reading in
                    guard let shape = try reading.integers("shape", orInput: 1) else {
                        throw ModelError("shape is missing")
                    }
                    var attributes: Attributes = ["shape": .integers(shape)]
                    if let axes = try reading.integers("axes") { attributes["axes"] = .integers(axes) }
                    reading.define("CenterCropPad", attributes, inputs: [reading.inputs.first ?? nil])
                }))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let shape = try node.attributes.extents("shape") ?? []
        let axes =
            try node.attributes.integers("axes").map { try source.axes($0, "axes") }
            ?? Array(source.dimensions.indices)
        guard axes.count == shape.count else { throw ModelError("shape and axes are not as many") }
        var slices: [Int: AxisSlice] = [:]
        var begin = source.dimensions.map { _ in 0 }, end = begin
        for (axis, extent) in zip(axes, shape) {
            let excess = source[axis] - extent
            if excess > 0 {
                slices[axis] = AxisSlice(start: excess / 2, count: extent)
            } else {
                begin[axis] = -excess / 2
                end[axis] = -excess - begin[axis]
            }
        }
        var arrangement = Arrangement(source)
        if !slices.isEmpty { arrangement.slice(slices) }
        if (begin + end).contains(where: { $0 > 0 }) {
            try arrangement.pad(.constant(0), begin: begin, end: end)
        }
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "cut and padded",
            """
            %data: float32[7, 2, 3] = input
            %middle_output = CenterCropPad(%data) {axes="(0, -1)", shape="(4, 6)"}
            return %middle_output
            """)
    ]
}
