import GraphIR
import ONNXFormat
import TensorCore

// Each move of an arrangement is an ONNX node: Reshape, Transpose, Slice, Expand, Pad.

extension ONNXWriting {
    /// Emits the moves that make an output of a node of its first input.
    mutating func emit(_ arrangement: Arrangement, _ node: NodeReader, output index: Int = 0) throws {
        var source = try name(node, 0)
        var shape = arrangement.source
        let output = output(node, index)
        if arrangement.moves.isEmpty { emit("Identity", node, inputs: [source], outputs: [output]) }
        for (position, move) in arrangement.moves.enumerated() {
            let isLast = position == arrangement.moves.count - 1
            let suffix = (index == 0 ? "" : "_\(index)") + (isLast ? "" : "_\(position)")
            let result = isLast ? output : node.node.name + suffix
            shape = try emit(move, node, from: source, shape, suffix: suffix, to: result)
            source = result
        }
    }

    /// - Returns: the shape of the result.
    private mutating func emit(
        _ move: Arrangement.Move, _ node: NodeReader, from source: String, _ shape: Shape, suffix: String,
        to result: String
    ) throws -> Shape {
        switch move {
        case .reshape(let target):
            try emitReshape(node, from: source, shape, to: target.dimensions, suffix: suffix, result: result)
            return target
        case .transpose(let axes):
            emit(
                "Transpose", node, inputs: [source], attributes: [ONNXAttribute("perm", .ints(axes))], suffix: suffix,
                outputs: [result])
            return Shape(axes.map { shape[$0] })
        case .slice(let slices):
            let cut = slices.indices.filter { slices[$0] != AxisSlice(start: 0, count: shape[$0]) }
            let axes = cut.isEmpty ? [0] : cut
            emitSlice(
                node, from: source, axes: axes, starts: axes.map { slices[$0].start },
                ends: axes.map { slices[$0].end }, steps: axes.map { slices[$0].step }, suffix: suffix, result: result)
            return Shape(slices.map(\.count))
        case .expand(let target):
            // An axis that stays says 1, which is right for any batch.
            let extents = target.dimensions.indices.map { target[$0] == shape[$0] ? 1 : target[$0] }
            let constant = integers("shape", extents, node, suffix)
            emit("Expand", node, inputs: [source, constant], suffix: suffix, outputs: [result])
            return target
        case .pad(let border, let begin, let end):
            try emitPad(border, node, from: source, begin + end, suffix: suffix, result: result)
            return Shape(shape.dimensions.indices.map { begin[$0] + shape[$0] + end[$0] })
        }
    }

    /// - Parameter extents: as ONNX has them, −1 included; those that the source has at the same place may be any batch.
    mutating func emitReshape(
        _ node: NodeReader, from source: String, _ shape: Shape, to extents: [Int], suffix: String = "",
        result: String? = nil
    ) throws {
        var extents = extents
        var attributes: [ONNXAttribute] = []
        if extents.indices.contains(where: { extents[$0] == 0 && !($0 < shape.rank && shape[$0] == 0) }) {
            guard opset >= 14 else {
                throw ModelError(
                    "gives a shape with an axis of 0 elements, which ONNX's Reshape cannot say before opset 14",
                    advice: "write a newer opset")
            }
            attributes.append(ONNXAttribute("allowzero", .int(1)))
        } else if let first = extents.first, shape.rank > 0, first == shape[0] {
            extents[0] = 0
        }
        emit(
            "Reshape", node, inputs: [source, integers("shape", extents, node, suffix)], attributes: attributes,
            suffix: suffix, outputs: result.map { [$0] })
    }

    mutating func emitSlice(
        _ node: NodeReader, from source: String, axes: [Int], starts: [Int], ends: [Int], steps: [Int],
        suffix: String = "", result: String? = nil
    ) {
        var inputs = [
            source, integers("starts", starts, node, suffix), integers("ends", ends, node, suffix),
            integers("axes", axes, node, suffix),
        ]
        if steps.contains(where: { $0 != 1 }) { inputs.append(integers("steps", steps, node, suffix)) }
        emit("Slice", node, inputs: inputs, suffix: suffix, outputs: result.map { [$0] })
    }

    private mutating func emitPad(
        _ border: Arrangement.Border, _ node: NodeReader, from source: String, _ pads: [Int], suffix: String,
        result: String
    ) throws {
        var inputs = [source, integers("pads", pads, node, suffix)]
        let mode: String
        switch border {
        case .constant(let value):
            mode = "constant"
            if value != 0 {
                let constant = Tensor(number: value, try node.type(0).dataType)
                inputs.append(initializer(node.node.name + suffix + "_value", constant))
            }
        case .edge: mode = "edge"
        case .reflect: mode = "reflect"
        case .wrap: mode = "wrap"
        case .symmetric: throw ModelError("pads with a mirror image that repeats the edge, which ONNX does not have")
        }
        emit(
            "Pad", node, inputs: inputs, attributes: [ONNXAttribute("mode", .string(mode))], suffix: suffix,
            outputs: [result])
    }

    /// A constant list of whole numbers; returns its name.
    mutating func integers(_ what: String, _ values: [Int], _ node: NodeReader, _ suffix: String = "") -> String {
        initializer("\(node.node.name)\(suffix)_\(what)", Tensor(values.map(Int64.init)))
    }
}

extension AxisSlice {
    /// Where ONNX and Python end it; far below zero where a negative step goes to the first element.
    var end: Int {
        if count == 0 { return start }
        let last = start + (count - 1) * step
        return step > 0 ? last + 1 : last > 0 ? last - 1 : Int.min
    }
}
