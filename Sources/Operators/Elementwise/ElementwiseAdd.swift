import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// a + b of one shape (src/operator/tensor/elemwise_binary_op_basic.cc).
struct ElementwiseAdd: OperatorDefinition {
    let name = "elemwise_add"
    let summary = "sum of two tensors of one shape"
    let mxnet: MXNetForm? = MXNetForm("elemwise_add", "_plus", "_Plus")
    let quantization = QuantizationRule.float(
        because: "only sums that follow a convolution are quantized, fused into it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Add",
            write: { node, writing in
                writing.emit("Add", node, inputs: [try writing.name(node, 0), try writing.name(node, 1)])
            },
            read: { reading in
                // ONNX's Add broadcasts. Where the file does not say shapes, those of computed values nearly always agree.
                let shapes = [0, 1].compactMap(reading.shape)
                let isStored = [0, 1].contains { reading.storedShape($0) != nil }
                let broadcasts = shapes.count == 2 ? shapes[0] != shapes[1] : isStored
                reading.define(broadcasts ? "broadcast_add" : "elemwise_add")
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (a, b) = (try node.type(0), try node.type(1))
        if let x = a.shape, let y = b.shape, x != y { throw ModelError("\(x) and \(y) cannot be added") }
        return [ValueType(.float32, a.shape ?? b.shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = [try lowering.floatValue(node, 0), try lowering.floatValue(node, 1)]
        lowering.define(node, LoweredValue(try lowering.add(BinaryKernel(.add), operands, node)))
    }

    let examples = [
        OperatorExample(
            "a residual sum",
            """
            %a: float32[2, 3, 4, 4] = input
            %b: float32[2, 3, 4, 4] = input
            %sum_output = elemwise_add(%a, %b)
            return %sum_output
            """)
    ]
}
