import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// N×… → N×K (src/operator/tensor/matrix_op.cc). Keeps the grid of codes.
struct Flatten: OperatorDefinition {
    let name = "Flatten"
    let summary = "all axes but the first become one"
    let mxnet: MXNetForm? = MXNetForm("Flatten", "flatten", quantized: "_contrib_quantized_flatten")
    let quantization = QuantizationRule.passThrough()

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Flatten",
            write: { node, writing in
                writing.emit(
                    "Flatten", node, inputs: [try writing.name(node, 0)], attributes: [ONNXAttribute("axis", .int(1))])
            },
            read: { reading in
                let axis = try reading.integer("axis") ?? 1
                guard axis == 1 else { throw ModelError("axis=\(axis) is not supported", advice: "only axis 1 is") }
                reading.define("Flatten")
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        return [ValueType(type.dataType, try type.shape.map(flattened), quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let kernel = ReshapeKernel(try flattened(lowering.type(of: source).shape))
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: source.codes))
    }

    private func flattened(_ shape: Shape) throws -> Shape {
        guard shape.rank >= 1 else { throw ModelError("a scalar cannot be flattened") }
        return [shape[0], shape.dimensions.dropFirst().reduce(1, *)]
    }

    let examples = [
        OperatorExample(
            "images to rows",
            """
            %data: float32[2, 3, 4, 5] = input
            %flat_output = Flatten(%data)
            return %flat_output
            """),
    ]
}
