import GraphIR
import ONNXFormat
import TensorCore

// Elements repeated (src/operator/tensor/matrix_op.cc): tile has abab, repeat has aabb. Both are views of a shape with an
// axis of one element that repeats.

/// The whole tensor repeated `reps` times along each of the last axes; more numbers than axes add axes in front.
struct Tile: ArrangingOperator {
    let name = "tile"
    let summary = "the whole tensor repeated along its axes"
    let mxnet: MXNetForm? = MXNetForm("tile", "_npi_tile")

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(
                "Tile",
                write: { node, writing in
                    let source = try node.shape(0)
                    let reps = try node.attributes.extents("reps") ?? []
                    guard reps.count <= source.rank else { return try writeMoves(node, &writing) }
                    let all = [Int](repeating: 1, count: source.rank - reps.count) + reps
                    writing.emit(
                        "Tile", node, inputs: [try writing.name(node, 0), writing.integers("repeats", all, node)])
                },
                read: { reading in
                    guard let repeats = try reading.integers("repeats", orInput: 1) else {
                        throw ModelError("repeats is missing")
                    }
                    reading.define("tile", ["reps": .integers(repeats)], inputs: [reading.inputs.first ?? nil])
                }))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let reps = try node.attributes.extents("reps") ?? []
        let rank = max(source.rank, reps.count)
        let times = [Int](repeating: 1, count: rank - reps.count) + reps
        let extents = [Int](repeating: 1, count: rank - source.rank) + source.dimensions
        var arrangement = Arrangement(source)
        try arrangement.reshape(extents.flatMap { [1, $0] })
        try arrangement.expand(to: zip(times, extents).flatMap { [$0, $1] })
        try arrangement.reshape(
            zip(times, extents).map { times, extent in
                let (product, overflow) = times.multipliedReportingOverflow(by: extent)
                return overflow ? Int.max : product
            })
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "each axis",
            """
            %data: float32[2, 3] = input
            %tiled_output = tile(%data) {reps="(2, 3)"}
            return %tiled_output
            """),
        OperatorExample(
            "the last axis",
            """
            %data: float32[2, 3, 2] = input
            %tiled_output = tile(%data) {reps="(2,)"}
            return %tiled_output
            """),
        OperatorExample(
            "more axes",
            """
            %data: float32[3, 1] = input
            %tiled_output = tile(%data) {reps="(2, 1, 1, 2)"}
            return %tiled_output
            """),
    ]
}

/// Each element `repeats` times, one after the other, along `axis` or along the tensor as one row.
struct Repeat: ArrangingOperator {
    let name = "repeat"
    let summary = "each element repeated along an axis"
    let mxnet: MXNetForm? = MXNetForm("repeat", "_np_repeat")

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let repeats = try node.attributes.extents("repeats").flatMap(\.first) ?? 1
        var dimensions = source.dimensions, axis = 0
        if let given = try node.attributes.integer("axis") {
            axis = try source.axis(given)
        } else {
            dimensions = [source.elementCount]
        }
        var arrangement = Arrangement(source)
        let before = dimensions[...axis], after = dimensions[(axis + 1)...]
        try arrangement.reshape(before + [1] + after)
        try arrangement.expand(to: before + [repeats] + after)
        // Both factors fit into a shape, so their product is sound.
        try arrangement.reshape(before.dropLast() + [dimensions[axis] * repeats] + after)
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "along an axis",
            """
            %data: float32[2, 3, 2] = input
            %more_output = repeat(%data) {axis="-2", repeats="2"}
            return %more_output
            """),
        OperatorExample(
            "as one row",
            """
            %data: float32[2, 3] = input
            %more_output = repeat(%data) {repeats="3"}
            return %more_output
            """),
    ]
}
