import GraphIR
import ONNXFormat
import TensorCore

// Axes of one element, added and dropped (src/operator/tensor/matrix_op.cc).

/// A new axis of one element.
struct ExpandDims: ArrangingOperator {
    let name = "expand_dims"
    let summary = "an axis of one element more"
    let mxnet: MXNetForm? = MXNetForm("expand_dims", "_npi_expand_dims")

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(
                "Unsqueeze",
                write: { node, writing in
                    let axis = try node.attributes.integer("axis") ?? 0
                    writing.emit(
                        "Unsqueeze", node, inputs: [try writing.name(node, 0), writing.integers("axes", [axis], node)])
                },
                read: { reading in
                    guard var axes = try reading.integers("axes", orInput: 1) else {
                        throw ModelError("axes is missing")
                    }
                    // They name axes of the result. Added in this order, none moves one that was added before.
                    if axes.contains(where: { $0 < 0 }), axes.contains(where: { $0 >= 0 }) {
                        let rank = try reading.rank(0, for: "axes from both ends") + axes.count
                        axes = axes.map { $0 < 0 ? $0 + rank : $0 }
                    }
                    axes.sort { $0 >= 0 ? $0 < $1 : $0 > $1 }
                    guard let last = axes.popLast() else { throw ModelError("axes is empty") }
                    var source = reading.inputs.first ?? nil
                    for axis in axes {
                        source = reading.add(
                            "expand_dims", ["axis": .integer(axis)], inputs: [source], suffix: "_axis\(axis)")
                    }
                    reading.define("expand_dims", ["axis": .integer(last)], inputs: [source])
                }))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let axis = try node.attributes.integer("axis") ?? 0
        let place = axis < 0 ? axis + source.rank + 1 : axis
        guard 0...source.rank ~= place else { throw ModelError("axis=\(axis) does not fit \(source)") }
        var dimensions = source.dimensions
        dimensions.insert(1, at: place)
        var arrangement = Arrangement(source)
        try arrangement.reshape(dimensions)
        return [arrangement]
    }

    let examples = [
        OperatorExample(
            "in front of the channels",
            """
            %data: float32[2, 3, 4] = input
            %more_output = expand_dims(%data) {axis="1"}
            return %more_output
            """),
        OperatorExample(
            "at the end",
            """
            %data: int32[2, 3] = input
            %more_output = expand_dims(%data) {axis="-1"}
            return %more_output
            """),
    ]
}

/// Axes of one element go: those that `axis` names, or all.
///
/// Where nothing is left, MXNet's `squeeze` keeps one axis of one element; NumPy's gives a scalar.
struct Squeeze: ArrangingOperator {
    let name: String
    let givesScalars: Bool
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Squeeze(
            name: "squeeze", givesScalars: false, summary: "without axes of one element", mxnet: MXNetForm("squeeze")),
        Squeeze(
            name: "_np_squeeze", givesScalars: true, summary: "without axes of one element, down to a scalar",
            mxnet: MXNetForm("_np_squeeze")),
    ]

    var onnx: ONNXForm {
        guard !givesScalars else { return .mapped(ONNXMapping(write: write)) }
        return .mapped(
            ONNXMapping(
                "Squeeze", write: write,
                read: { reading in
                    let axes = try reading.integers("axes", orInput: 1)
                    let shape = reading.shape(0)
                    let isScalar = axes.map { $0.count == shape?.rank } ?? shape.map { $0.elementCount == 1 } ?? false
                    reading.define(
                        isScalar ? "_np_squeeze" : "squeeze", axes.map { ["axis": .integers($0)] } ?? [:],
                        inputs: [reading.inputs.first ?? nil])
                }))
    }

    @Sendable private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let dropped = try dropped(node, node.shape(0))
        if !givesScalars, dropped.count == (try node.shape(0).rank) { return try writeMoves(node, &writing) }
        var inputs = [try writing.name(node, 0)]
        if let axes = try node.attributes.integers("axis") { inputs.append(writing.integers("axes", axes, node)) }
        writing.emit("Squeeze", node, inputs: inputs)
    }

    private func dropped(_ node: NodeReader, _ source: Shape) throws -> [Int] {
        guard let axes = try node.attributes.integers("axis") else {
            return source.dimensions.indices.filter { source[$0] == 1 }
        }
        let indices = try source.axes(axes)
        if let axis = indices.first(where: { source[$0] != 1 }) {
            throw ModelError("axis \(axis) of \(source) has not the extent 1")
        }
        return indices
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let dropped = Set(try dropped(node, source))
        let dimensions = source.dimensions.indices.filter { !dropped.contains($0) }.map { source[$0] }
        var arrangement = Arrangement(source)
        try arrangement.reshape(dimensions.isEmpty && !givesScalars ? [1] : dimensions)
        return [arrangement]
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ source: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(source)] = input
                %less_output = \(name)(%data)\(attributes)
                return %less_output
                """)
        }
        let some = example("some axes", "2, 3, 1, 1", " {axis=\"(2, -1)\"}")
        return givesScalars
            ? [some] : [some, example("all that there are", "1, 3, 1", ""), example("nothing left", "1, 1", "")]
    }
}
