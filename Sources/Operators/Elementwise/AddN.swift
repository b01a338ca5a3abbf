import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// a + b + … of one shape, added from left to right (src/operator/tensor/elemwise_sum.cc).
struct AddN: OperatorDefinition {
    let name = "add_n"
    let summary = "sum of any number of tensors of one shape"
    let mxnet: MXNetForm? = MXNetForm(names: ["add_n", "ElementWiseSum", "_sparse_add_n", "_sparse_ElementWiseSum"])
    let quantization = QuantizationRule.float(because: "MXNet quantizes sums of two tensors only")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Sum", "Mean",
            write: { node, writing in
                writing.emit("Sum", node, inputs: try node.node.inputs.indices.map { try writing.name(node, $0) })
            },
            read: { reading in
                let shapes = reading.inputs.indices.map(reading.shape)
                let repeats =
                    Set(shapes).count > 1 || reading.inputs.indices.contains { reading.storedShape($0) != nil }
                if reading.node.opType == "Mean" {
                    let sum = reading.chain("broadcast_add", reading.inputs)
                    return reading.define(
                        "_div_scalar", ["scalar": .text("\(Float(reading.inputs.count))")], inputs: [sum])
                }
                guard repeats, reading.inputs.count > 1 else {
                    return reading.define("add_n", ["num_args": .text("\(reading.inputs.count)")])
                }
                let first = reading.chain("broadcast_add", reading.inputs.dropLast())
                reading.define("broadcast_add", inputs: [first, reading.inputs.last ?? nil])
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> { 1...Int.max }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let types = try node.node.inputs.indices.map { try node.type($0) }
        guard Set(types.compactMap(\.shape)).count <= 1 else {
            throw ModelError("tensors of different shapes cannot be added: \(types.compactMap(\.shape).commaSeparated)")
        }
        return [ValueType(try dataType(node), types.compactMap(\.shape).first)]
    }

    private func dataType(_ node: NodeReader) throws -> DataType {
        try node.node.inputs.indices.dropFirst().reduce(try node.type(0).dataType) {
            ArithmeticFamily.promoted($0, try node.type($1).dataType)
        }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let type = try dataType(node).computed
        var sum = try lowering.converted(lowering.floatValue(node, 0), to: type, node)
        for index in node.node.inputs.indices.dropFirst() {
            let summand = try lowering.converted(lowering.floatValue(node, index), to: type, node)
            sum = try lowering.add(BinaryKernel(.add), [sum, summand], node)
        }
        if node.node.inputs.count == 1 {
            sum = try lowering.add(ReshapeKernel(lowering.type(of: sum).shape), [sum], node)
        }
        lowering.define(node, LoweredValue(sum))
    }

    let examples = [
        OperatorExample(
            "three summands",
            """
            %a: float32[2, 3] = input
            %b: float32[2, 3] = input
            %c: float32[2, 3] = input
            %sum_output = add_n(%a, %b, %c) {num_args="3"}
            return %sum_output
            """),
        OperatorExample(
            "one summand",
            """
            %a: float32[2, 3] = input
            %sum_output = add_n(%a) {num_args="1"}
            return %sum_output
            """),
    ]
}
