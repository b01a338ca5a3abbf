import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// a + b, where an axis of extent 1 is repeated (src/operator/tensor/elemwise_binary_broadcast_op_basic.cc).
struct BroadcastAdd: OperatorDefinition {
    let name = "broadcast_add"
    let summary = "sum of two tensors, axes of extent 1 repeated"
    let mxnet: MXNetForm? = MXNetForm("broadcast_add", "broadcast_plus")
    let quantization = QuantizationRule.float(
        because: "only sums of one shape that follow a convolution are fused into it")

    /// ONNX's Add is read by `ElementwiseAdd`.
    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                writing.emit("Add", node, inputs: [try writing.name(node, 0), try writing.name(node, 1)])
            },
            read: { reading in reading.define("broadcast_add") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let a = try node.type(0).shape, let b = try node.type(1).shape else { return [ValueType(.float32, nil)] }
        let operands = [TensorType(.float32, a), TensorType(.float32, b)]
        return [ValueType(.float32, try BinaryKernel(.add).resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = [try lowering.floatValue(node, 0), try lowering.floatValue(node, 1)]
        lowering.define(node, LoweredValue(try lowering.add(BinaryKernel(.add), operands, node)))
    }

    let examples = [
        OperatorExample(
            "one number for each channel",
            """
            %data: float32[2, 3, 4, 4] = input
            %shift: float32[1, 3, 1, 1] = parameter(...)
            %add_output = broadcast_add(%data, %shift)
            return %add_output
            """),
        OperatorExample(
            "a row to a column",
            """
            %a: float32[4, 1] = input
            %b: float32[1, 5] = input
            %add_output = broadcast_add(%a, %b)
            return %add_output
            """),
    ]
}
