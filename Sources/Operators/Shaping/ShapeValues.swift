import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The extents of a tensor, or how many elements it has, as int64 (src/operator/tensor/elemwise_unary_op_basic.cc).
/// Known as soon as shapes are: constants of the program.
struct ShapeValues: OperatorDefinition {
    enum Kind { case extents, count }

    let name: String
    let kind: Kind
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "its result is a constant")
    let dependsOnShapesOnly = true

    static let all = [
        ShapeValues(
            name: "shape_array", kind: .extents, summary: "the extents of a tensor",
            mxnet: MXNetForm("shape_array", "_npx_shape_array")),
        ShapeValues(
            name: "size_array", kind: .count, summary: "how many elements a tensor has", mxnet: MXNetForm("size_array")),
    ]

    var onnx: ONNXForm {
        switch kind {
        case .extents:
            .mapped(
                ONNXMapping(
                    "Shape",
                    write: { node, writing in writing.emit("Shape", node, inputs: [try writing.name(node, 0)]) },
                    read: { reading in
                        let start = try reading.integer("start") ?? 0, end = try reading.integer("end")
                        if start == 0, end == nil { return reading.define("shape_array") }
                        let all = reading.add("shape_array", inputs: reading.inputs, suffix: "_all")
                        reading.define(
                            "slice",
                            ["begin": .integers([start]), "end": .text("(\(end.map(String.init) ?? "None"),)")],
                            inputs: [all])
                    }))
        // MXNet gives an axis of one element, ONNX a scalar.
        case .count:
            .mapped(
                ONNXMapping(
                    "Size",
                    write: { node, writing in
                        let count = "\(node.node.name)_size"
                        writing.emit(
                            "Size", node, inputs: [try writing.name(node, 0)], suffix: "_size", outputs: [count])
                        writing.emit("Reshape", node, inputs: [count, writing.integers("shape", [1], node)])
                    },
                    read: { reading in
                        let count = reading.add("size_array", inputs: reading.inputs, suffix: "_size")
                        reading.define("_np_reshape", ["newshape": .integers([])], inputs: [count])
                    }))
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let shape = try node.type(0).shape else { return [ValueType(.int64, kind == .count ? [1] : nil)] }
        return [ValueType(.int64, kind == .count ? [1] : [shape.rank])]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let shape = lowering.type(of: source).shape
        let values = kind == .count ? [shape.elementCount] : shape.dimensions
        let constant = Tensor(values.map(Int64.init))
        lowering.define(node, LoweredValue(lowering.addConstant(constant)))
    }

    var examples: [OperatorExample] {
        [
            OperatorExample(
                "of a map",
                """
                %data: float32[2, 3, 4] = input
                %numbers_output = \(name)(%data)
                return %numbers_output
                """),
            OperatorExample(
                "of a parameter",
                """
                %data: float32[5, 2] = parameter(...)
                %numbers_output = \(name)(%data)
                return %numbers_output
                """),
        ]
    }
}
