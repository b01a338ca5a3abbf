import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Tensors of one shape along a new axis (src/operator/tensor/matrix_op.cc): each gets an axis of one element, and they
/// are concatenated along it.
struct Stack: OperatorDefinition {
    let name = "stack"
    let summary = "tensors of one shape along a new axis"
    let mxnet: MXNetForm? = MXNetForm("stack", "_npi_stack", rangedInputs: { Array($0.inputs.indices) })
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(write: { node, writing in
            let axis = try node.attributes.integer("axis") ?? 0
            let axes = writing.integers("axes", [axis], node)
            let parts = try node.node.inputs.indices.map { index in
                let part = "\(node.node.name)_part\(index)"
                writing.emit(
                    "Unsqueeze", node, inputs: [try writing.name(node, index), axes], suffix: "_part\(index)",
                    outputs: [part])
                return part
            }
            writing.emit("Concat", node, inputs: parts, attributes: [ONNXAttribute("axis", .int(axis))])
        }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        if let count = try node.attributes.integer("num_args"), count != node.inputs.count {
            throw ModelError("has \(node.inputs.count) inputs, but num_args=\(count)")
        }
        return 1...max(node.inputs.count, 1)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let types = try node.node.inputs.indices.map { try node.type($0) }
        let shapes = types.compactMap(\.shape)
        guard shapes.count == types.count else {
            return [ValueType(types[0].dataType, nil, quantization: types[0].quantization)]
        }
        if let other = shapes.first(where: { $0 != shapes[0] }) {
            throw ModelError("\(shapes[0]) and \(other) cannot be stacked")
        }
        let (axis, part) = try part(node, shapes[0])
        return [
            ValueType(
                types[0].dataType, part.replacing(axis: axis, with: shapes.count), quantization: types[0].quantization)
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.value(node, $0) }
        guard operands.dropFirst().allSatisfy({ $0.isRead(like: operands[0]) }) else {
            throw ModelError("its inputs are codes of different grids, which have to be brought to one first")
        }
        let (axis, part) = try part(node, lowering.type(of: operands[0]).shape)
        let parts = try operands.map { try lowering.add(ReshapeKernel(part), [$0.buffer], node) }
        let result = try lowering.add(ConcatenateKernel(axis: axis), parts, node)
        lowering.define(node, LoweredValue(result, codes: operands[0].codes))
    }

    /// The new axis, and an input with it.
    private func part(_ node: NodeReader, _ shape: Shape) throws -> (axis: Int, part: Shape) {
        let given = try node.attributes.integer("axis") ?? 0
        let axis = given < 0 ? given + shape.rank + 1 : given
        guard 0...shape.rank ~= axis else { throw ModelError("axis=\(given) does not fit \(shape)") }
        var dimensions = shape.dimensions
        dimensions.insert(1, at: axis)
        return (axis, Shape(dimensions))
    }

    let examples = [
        OperatorExample(
            "in front",
            """
            %a: float32[2, 3] = input
            %b: float32[2, 3] = input
            %c: float32[2, 3] = parameter(...)
            %all_output = stack(%a, %b, %c) {axis="0", num_args="3"}
            return %all_output
            """),
        OperatorExample(
            "at the end",
            """
            %a: int32[2, 3] = input
            %b: int32[2, 3] = input
            %all_output = stack(%a, %b) {axis="-1", num_args="2"}
            return %all_output
            """),
    ]
}
