import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y[p…, q…] = data[p…, index[p…, q…], q…]: one element along an axis, at an index of its own for each place
/// (src/operator/tensor/broadcast_reduce_op.h). batch_take is pick along the last axis (indexing_op.h).
struct Pick: OperatorDefinition {
    let name: String
    let mxnet: MXNetForm?
    private let isBatchTake: Bool

    static let all = [
        Pick("pick", MXNetForm("pick", "choose_element_0index", "_npx_pick"), isBatchTake: false),
        Pick("batch_take", MXNetForm("batch_take"), isBatchTake: true),
    ]

    private init(_ name: String, _ form: MXNetForm, isBatchTake: Bool) {
        self.name = name
        mxnet = form
        self.isBatchTake = isBatchTake
    }

    let summary = "one element along an axis, at given indices"
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")

    var onnx: ONNXForm {
        let definition = self
        return .mapped(
            ONNXMapping(
                write: { node, writing in
                    let form = try definition.form(node.attributes, of: try node.shape(0)), name = node.node.name
                    let indices = try writing.indices(
                        node, 1, extent: try node.shape(0)[form.axis], mode: form.mode)
                    let extents = writing.initializer(
                        name + "_extents", Tensor(form.indexShape.dimensions.map { Int64($0) }))
                    let column = name + "_column", picked = form.keepsAxis ? writing.output(node) : name + "_picked"
                    writing.emit("Reshape", node, inputs: [indices, extents], suffix: "_column", outputs: [column])
                    writing.emit(
                        "GatherElements", node, inputs: [try writing.name(node, 0), column],
                        attributes: [ONNXAttribute("axis", .int(form.axis))], suffix: form.keepsAxis ? "" : "_gather",
                        outputs: [picked])
                    guard !form.keepsAxis else { return }
                    let result = writing.initializer(
                        name + "_shape", Tensor(form.result.dimensions.map { Int64($0) }))
                    writing.emit("Reshape", node, inputs: [picked, result])
                }, read: { reading in reading.define("pick") }))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    private struct Form {
        var axis: Int
        var keepsAxis: Bool
        var mode: IndexMode
        /// Of the indices, with an axis of extent 1.
        var indexShape: Shape
        var result: Shape
    }

    private func form(_ attributes: Attributes, of shape: Shape) throws -> Form {
        if let axis = attributes.text("axis"), axis == "None" { throw ModelError("axis=None is not supported") }
        let named = isBatchTake ? -1 : try attributes.integer("axis") ?? -1
        let axis = try shape.normalized(axes: [named])[0]
        let keepsAxis = try attributes.boolean("keepdims") ?? false
        var rest = shape.dimensions
        rest.remove(at: axis)
        let indexShape = shape.replacing(axis: axis, with: 1)
        return Form(
            axis: axis, keepsAxis: keepsAxis, mode: isBatchTake ? .clip : try MXNetIndexMode(attributes).mode,
            indexShape: indexShape, result: keepsAxis ? indexShape : rest.isEmpty ? [1] : Shape(rest))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        let form = try type.shape.map { try self.form(node.attributes, of: $0) }
        if let form, let indices = try node.type(1).shape, indices.elementCount != form.indexShape.elementCount {
            throw ModelError("indices \(indices) do not fit data of shape \(type.shape ?? [])")
        }
        return [ValueType(type.dataType.computed, form?.result)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        let form = try form(node.attributes, of: lowering.type(of: LoweredValue(source)).shape)
        let indices = try lowering.add(
            ReshapeKernel(form.indexShape), [try lowering.value(node, 1).buffer], node)
        let gather = GatherElementsKernel(axis: form.axis, mode: form.mode)
        let picked = try lowering.add(gather, [source, indices], node)
        lowering.define(node, LoweredValue(try lowering.add(ReshapeKernel(form.result), [picked], node)))
    }

    var examples: [OperatorExample] {
        guard !isBatchTake else {
            return [
                OperatorExample(
                    "one of each row",
                    """
                    %a: float32[3, 4] = input
                    %index: int32[3] = parameter(0, 3, 2)
                    %take_output = batch_take(%a, %index)
                    return %take_output
                    """)
            ]
        }
        return [
            OperatorExample(
                "the last axis, clipped",
                """
                %data: float32[2, 3] = input
                %index: float32[2] = parameter(-3, 5)
                %pick_output = pick(%data, %index)
                return %pick_output
                """),
            OperatorExample(
                "an axis in the middle that stays, wrapped",
                """
                %data: float32[2, 3, 2] = input
                %index: float32[2, 1, 2] = parameter(0, 4, -1, 2.5)
                %pick_output = pick(%data, %index) {axis="1", keepdims="True", mode="wrap"}
                return %pick_output
                """),
        ]
    }
}
