import GraphIR
import ONNXFormat
import TensorCore

/// The ONNX nodes that one node becomes where ONNX has no single one for it: each gets a name of its own, made from the
/// node's, and its output the same.
struct ONNXParts {
    let node: NodeReader
    private var count = 0

    init(_ node: NodeReader) { self.node = node }

    /// Emits a node; returns the name of its result.
    mutating func emit(
        _ type: String, _ inputs: [String], _ attributes: [ONNXAttribute] = [], _ writing: inout ONNXWriting
    ) -> String {
        count += 1
        let suffix = "_\(type.lowercased())\(count)"
        let output = node.node.name + suffix
        writing.emit(type, node, inputs: inputs, attributes: attributes, suffix: suffix, outputs: [output])
        return output
    }

    mutating func emit(_ type: String, _ inputs: [String], _ writing: inout ONNXWriting) -> String {
        emit(type, inputs, [], &writing)
    }

    mutating func constant(_ tensor: Tensor, _ writing: inout ONNXWriting) -> String {
        count += 1
        return writing.initializer(node.node.name + "_constant\(count)", tensor)
    }

    /// A stored or computed vector under another shape.
    mutating func vector(_ input: Int, as shape: Shape, _ writing: inout ONNXWriting) throws -> String {
        let name = try writing.name(node, input)
        if shape.rank == 1 { return name }
        if let tensor = try node.input(input).tensor, tensor.elementCount == shape.elementCount {
            return constant(tensor.asFloat32().reshaped(shape), &writing)
        }
        return reshape(name, shape.dimensions, &writing)
    }

    /// 0 and −1 as ONNX's Reshape has them.
    mutating func reshape(_ name: String, _ dimensions: [Int], _ writing: inout ONNXWriting) -> String {
        emit("Reshape", [name, constant(Tensor(dimensions.map { Int64($0) }), &writing)], &writing)
    }

    /// The mean or the sum along axes, which stay with extent 1. Until opset 17, the axes of a mean are an attribute.
    mutating func reduce(
        _ type: String, _ name: String, axes: [Int], _ writing: inout ONNXWriting
    ) -> String {
        let keep = ONNXAttribute("keepdims", .int(1))
        guard writing.opset >= 18 || type == "ReduceSum" else {
            return emit(type, [name], [ONNXAttribute("axes", .ints(axes)), keep], &writing)
        }
        return emit(type, [name, constant(Tensor(axes.map { Int64($0) }), &writing)], [keep], &writing)
    }

    /// (x − mean) / √(variance + epsilon)
    mutating func standardized(
        _ name: String, axes: [Int], epsilon: Float, _ writing: inout ONNXWriting
    ) throws -> String {
        let mean = reduce("ReduceMean", name, axes: axes, &writing)
        let distance = emit("Sub", [name, mean], &writing)
        let square = emit("Mul", [distance, distance], &writing)
        let variance = reduce("ReduceMean", square, axes: axes, &writing)
        return divided(distance, by: variance, epsilon: epsilon, &writing)
    }

    /// x / √(square + epsilon)
    mutating func divided(
        _ name: String, by square: String, epsilon: Float, _ writing: inout ONNXWriting
    ) -> String {
        let sum = emit("Add", [square, constant(Tensor(scalar: epsilon), &writing)], &writing)
        return emit("Div", [name, emit("Sqrt", [sum], &writing)], &writing)
    }
}
