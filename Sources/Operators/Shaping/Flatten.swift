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
                var axis = try reading.integer("axis") ?? 1
                if axis < 0 { axis += try reading.rank(0, for: "axis=\(axis)") }
                if axis == 1 { return reading.define("Flatten") }
                guard 0...16 ~= axis else { throw ModelError("axis=\(axis) is out of range") }
                // MXNet merges two axes at a time; 0 and −1 in its shapes are those of ONNX.
                var source = reading.inputs.first ?? nil
                for merged in stride(from: axis, to: 2, by: -1) {
                    source = reading.add(
                        "Reshape", ["shape": .integers([-3, -2])], inputs: [source], suffix: "_\(merged)")
                }
                reading.define(
                    "Reshape", ["shape": .integers(axis == 0 ? [1, -1] : [-3, -1])], inputs: [source])
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
            """)
    ]
}
