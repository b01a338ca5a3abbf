import GraphIR
import ONNXFormat
import TensorCore

/// A tensor cut into parts along an axis, each an output (src/operator/slice_channel.cc, src/operator/tensor/matrix_op.cc).
struct Split: ArrangingOperator {
    enum Kind {
        /// `num_outputs` equal parts.
        case equal
        /// `sections` equal parts, or parts that begin at `indices`.
        case atIndices
    }

    let name: String
    let kind: Kind
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Split(
            name: "SliceChannel", kind: .equal, summary: "equal parts along an axis, each an output",
            mxnet: MXNetForm("SliceChannel", "split")),
        Split(
            name: "_split_v2", kind: .atIndices, summary: "parts along an axis, each an output",
            mxnet: MXNetForm("_split_v2", "_npi_split")),
    ]

    var onnx: ONNXForm {
        kind == .equal
            ? .mapped(ONNXMapping("Split", write: write, read: Self.read)) : .mapped(ONNXMapping(write: write))
    }

    /// Where the parts begin along their axis, and how long each is.
    private func parts(_ attributes: Attributes, _ source: Shape) throws -> (axis: Int, parts: [AxisSlice]) {
        let axis = try source.axis(attributes.integer("axis") ?? 1)
        let extent = source[axis]
        let count = try attributes.integer(kind == .equal ? "num_outputs" : "sections") ?? 0
        if kind == .atIndices, count == 0 {
            let begins = try attributes.integers("indices") ?? []
            let slices = try begins.enumerated().map { index, begin in
                try AxisSlice(from: begin, to: index + 1 < begins.count ? begins[index + 1] : nil, extent: extent)
            }
            return (axis, slices)
        }
        guard count > 0, extent % count == 0, count <= max(extent, 1 << 16) else {
            throw ModelError("axis \(axis) of \(source) cannot be cut into \(count) equal parts")
        }
        let length = extent / count
        return (axis, (0..<count).map { AxisSlice(start: $0 * length, count: length) })
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let (axis, parts) = try parts(node.attributes, source)
        let squeezes = try node.attributes.boolean("squeeze_axis") ?? false
        return try parts.map { part in
            var arrangement = Arrangement(source)
            arrangement.slice([axis: part])
            if squeezes {
                var dimensions = arrangement.shape.dimensions
                guard dimensions.remove(at: axis) == 1 else {
                    throw ModelError("parts of \(part.count) elements cannot lose their axis; squeeze_axis needs one")
                }
                try arrangement.reshape(dimensions)
            }
            return arrangement
        }
    }

    // MARK: ONNX

    @Sendable private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let source = try node.shape(0)
        let (axis, parts) = try parts(node.attributes, source)
        guard node.node.outputs.count <= parts.count else { throw ModelError("has more outputs than parts") }
        let squeezes = try node.attributes.boolean("squeeze_axis") ?? false
        func output(_ index: Int) -> String {
            !squeezes && index < node.node.outputs.count
                ? writing.output(node, index) : "\(node.node.name)_part\(index)"
        }
        // With lengths, no version of ONNX has to guess them.
        let lengths = writing.integers("split", parts.map(\.count), node)
        writing.emit(
            "Split", node, inputs: [try writing.name(node, 0), lengths],
            attributes: [ONNXAttribute("axis", .int(try node.attributes.integer("axis") ?? 1))],
            suffix: squeezes ? "_split" : "", outputs: parts.indices.map(output))
        guard squeezes else { return }
        let axes = writing.integers("axes", [axis], node)
        for index in node.node.outputs.indices {
            writing.emit(
                "Squeeze", node, inputs: ["\(node.node.name)_part\(index)", axes],
                suffix: index == 0 ? "" : "_\(index)", outputs: [writing.output(node, index)])
        }
    }

    @Sendable private static func read(_ reading: inout ONNXReading) throws {
        let axis = try reading.integer("axis") ?? 0
        let count = reading.node.outputs.count
        let extent = reading.shape(0).flatMap { shape in shape.normalized(axis: axis).map { shape[$0] } }
        var lengths = try reading.integers("split", orInput: 1)
        if lengths == nil, let extent, count > 0, extent % count != 0 {
            // From opset 18 on, the last part may be shorter.
            let length = (extent + count - 1) / count
            lengths = (0..<count).map { max(0, min(length, extent - $0 * length)) }
        }
        let inputs = [reading.inputs.first ?? nil]
        guard let lengths, Set(lengths).count > 1 else {
            return reading.define(
                "SliceChannel",
                ["axis": .integer(axis), "num_outputs": .integer(count), "squeeze_axis": .text("False")],
                inputs: inputs)
        }
        guard lengths.count == count, lengths.allSatisfy({ 0...(1 << 40) ~= $0 }) else {
            throw ModelError("split (\(lengths.commaSeparated)) does not fit its \(count) outputs")
        }
        var begins = [0]
        for length in lengths.dropLast() { begins.append(begins[begins.count - 1] + length) }
        reading.define(
            "_split_v2",
            [
                "axis": .integer(axis), "indices": .integers(begins), "sections": .integer(0),
                "squeeze_axis": .text("False"),
            ], inputs: inputs)
    }

    var examples: [OperatorExample] {
        switch kind {
        case .equal:
            [
                OperatorExample(
                    "channels",
                    """
                    %data: float32[2, 6, 3] = input
                    %part_output0, %part_output1, %part_output2 = SliceChannel(%data) {axis="1", num_outputs="3", squeeze_axis="False"} name=part
                    return %part_output0, %part_output1, %part_output2
                    """),
                OperatorExample(
                    "one element each, without the axis",
                    """
                    %data: float32[2, 3, 2] = input
                    %part_output0, %part_output1 = SliceChannel(%data) {axis="-1", num_outputs="2", squeeze_axis="True"} name=part
                    return %part_output0, %part_output1
                    """),
            ]
        case .atIndices:
            [
                OperatorExample(
                    "parts of different lengths",
                    """
                    %data: float32[7, 2] = input
                    %part_output0, %part_output1, %part_output2 = _split_v2(%data) {axis="0", indices="[0, 2, 5]", sections="0", squeeze_axis="False"} name=part
                    return %part_output0, %part_output1, %part_output2
                    """),
                OperatorExample(
                    "sections",
                    """
                    %data: float32[2, 6] = input
                    %part_output0, %part_output1 = _split_v2(%data) {axis="1", indices="()", sections="2", squeeze_axis="False"} name=part
                    return %part_output0, %part_output1
                    """),
            ]
        }
    }
}
