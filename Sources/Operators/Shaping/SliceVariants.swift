import GraphIR
import ONNXFormat
import TensorCore

// Slices whose axes and extents come from elsewhere: one axis, those of another tensor, or the two of an image
// (src/operator/tensor/matrix_op.cc, src/operator/crop.cc).

/// data[…, begin:end, …] along one axis.
struct SliceAxis: ArrangingOperator {
    let name = "slice_axis"
    let summary = "a part along one axis"
    let mxnet: MXNetForm? = MXNetForm("slice_axis")

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(write: { node, writing in
                let axis = try node.attributes.integer("axis") ?? 0
                writing.emitSlice(
                    node, from: try writing.name(node, 0), axes: [axis],
                    starts: [try node.attributes.integer("begin") ?? 0],
                    ends: [try node.attributes.integer("end") ?? Int.max], steps: [1])
            }))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let axis = try source.axis(node.attributes.integer("axis") ?? 0)
        let begin = try node.attributes.integer("begin"), end = try node.attributes.integer("end")
        var arrangement = Arrangement(source)
        arrangement.slice([axis: try AxisSlice(from: begin, to: end, extent: source[axis])])
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "to the end",
            """
            %data: float32[2, 5, 3] = input
            %part_output = slice_axis(%data) {axis="-2", begin="2", end="None"}
            return %part_output
            """),
        OperatorExample(
            "from both ends",
            """
            %data: int32[2, 5] = input
            %part_output = slice_axis(%data) {axis="1", begin="-4", end="-1"}
            return %part_output
            """),
    ]
}

/// The first elements along `axes`, as many as another tensor has there; along all axes, if none are named.
struct SliceLike: ArrangingOperator {
    let name = "slice_like"
    let summary = "as many of the first elements as another tensor has"
    let mxnet: MXNetForm? = MXNetForm("slice_like")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let like = try node.shape(1)
        var axes = try node.attributes.integers("axes") ?? []
        if axes.isEmpty {
            guard like.rank == source.rank else { throw ModelError("\(source) and \(like) differ in their axes") }
            axes = Array(source.dimensions.indices)
        }
        var slices: [Int: AxisSlice] = [:]
        for axis in axes {
            let (own, other) = (try source.axis(axis, "axes"), try like.axis(axis, "axes"))
            guard like[other] <= source[own] else {
                throw ModelError("\(source) is smaller than \(like) along \(axis)")
            }
            slices[own] = AxisSlice(start: 0, count: like[other])
        }
        var arrangement = Arrangement(source)
        arrangement.slice(slices)
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "of a map",
            """
            %data: float32[1, 3, 8, 9] = input
            %like: float32[1, 7, 5, 6] = input
            %part_output = slice_like(%data, %like) {axes="(2, -1)"}
            return %part_output
            """),
        OperatorExample(
            "all axes",
            """
            %data: float32[4, 5] = input
            %like: float32[3, 2] = input
            %part_output = slice_like(%data, %like)
            return %part_output
            """),
    ]
}

/// Height and width of images cut to `h_w`, or to those of a second input, at `offset` or in the middle.
struct Crop: ArrangingOperator {
    let name = "Crop"
    let summary = "images cut to a size or to that of another tensor"
    let mxnet: MXNetForm? = MXNetForm("Crop")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 1...2 }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let like = node.hasInput(1) ? try node.shape(1) : nil
        guard source.rank == 4, like.map({ $0.rank == 4 }) ?? true else {
            throw ModelError("\(source) is not N×C×H×W")
        }
        let given = try node.attributes.extents("h_w") ?? [0, 0]
        let offset = try node.attributes.extents("offset") ?? [0, 0]
        let size = like.map { Array($0.dimensions[2...]) } ?? given
        guard size.count == 2, offset.count == 2 else { throw ModelError("h_w and offset need two numbers") }
        let isCentered = try node.attributes.boolean("center_crop") ?? false
        var slices: [Int: AxisSlice] = [:]
        for axis in 0...1 {
            let start = isCentered ? (source[axis + 2] - size[axis]) / 2 : offset[axis]
            guard size[axis] > 0, start >= 0, start + size[axis] <= source[axis + 2] else {
                throw ModelError("\(size[0])×\(size[1]) at \(start) does not lie within \(source)")
            }
            slices[axis + 2] = AxisSlice(start: start, count: size[axis])
        }
        var arrangement = Arrangement(source)
        arrangement.slice(slices)
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "to a size",
            """
            %data: float32[1, 2, 6, 7] = input
            %part_output = Crop(%data) {h_w="(3, 4)", num_args="1", offset="(2, 1)"}
            return %part_output
            """),
        OperatorExample(
            "to the middle of another map",
            """
            %data: float32[1, 2, 7, 8] = input
            %like: float32[1, 5, 4, 4] = input
            %part_output = Crop(%data, %like) {center_crop="True", num_args="2"}
            return %part_output
            """),
    ]
}

/// Axes from their end to their beginning.
struct Reverse: ArrangingOperator {
    let name: String
    let summary = "some axes from the end to the beginning"
    let mxnet: MXNetForm?

    static let all = [
        Reverse(name: "reverse", mxnet: MXNetForm("reverse", "flip")),
        Reverse(name: "_npi_flip", mxnet: MXNetForm("_npi_flip")),
    ]

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        var slices: [Int: AxisSlice] = [:]
        for axis in try source.axes(node.attributes.integers("axis") ?? []) {
            slices[axis] = try AxisSlice(from: nil, to: nil, step: -1, extent: source[axis])
        }
        var arrangement = Arrangement(source)
        arrangement.slice(slices)
        return [arrangement]
    }

    var examples: [OperatorExample] {
        [
            OperatorExample(
                "two axes",
                """
                %data: float32[2, 3, 4] = input
                %turned_output = \(name)(%data) {axis="(0, 2)"}
                return %turned_output
                """)
        ]
    }
}
