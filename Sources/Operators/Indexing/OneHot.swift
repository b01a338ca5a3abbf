import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Vectors that are `on_value` at their index and `off_value` elsewhere, also for an index outside of them
/// (src/operator/tensor/indexing_op.h). ONNX puts them along any axis and lets indices count from the end.
struct OneHot: OperatorDefinition {
    let name: String
    let mxnet: MXNetForm?

    static let all = [OneHot("one_hot", MXNetForm("one_hot", "_npx_one_hot")), OneHot("OneHot", nil)]

    private init(_ name: String, _ mxnet: MXNetForm?) {
        self.name = name
        self.mxnet = mxnet
    }

    let summary = "vectors that are on at one index"
    let quantization = QuantizationRule.float(because: "an index is no code")

    var onnx: ONNXForm {
        guard mxnet == nil else {
            // ONNX's index −1 is the last place, MXNet's is none.
            return .mapped(
                ONNXMapping(
                    write: { node, writing in
                        let form = try Form(node.attributes), name = node.node.name
                        let depth = writing.initializer(name + "_depth", Tensor(scalar: Int64(form.depth)))
                        let values = writing.initializer(name + "_values", form.values)
                        let indices = try OneHot.withoutNegatives(node, form.depth, &writing)
                        writing.emit("OneHot", node, inputs: [indices, depth, values])
                    }, read: { reading in reading.define("one_hot") }))
        }
        return .mapped(
            ONNXMapping(
                "OneHot",
                write: { node, writing in
                    let form = try Form(node.attributes), name = node.node.name
                    let depth = writing.initializer(name + "_depth", Tensor(scalar: Int64(form.depth)))
                    writing.emit(
                        "OneHot", node, inputs: [try writing.name(node, 0), depth, try writing.name(node, 1)],
                        attributes: [ONNXAttribute("axis", .int(form.axis))])
                },
                read: { reading in
                    guard let depth = reading.constant(1)?.asInts().first else {
                        throw ModelError("its depth has to be stored in the model")
                    }
                    reading.define(
                        "OneHot",
                        ["axis": .integer(try reading.integer("axis") ?? -1), "depth": .integer(depth)],
                        inputs: [reading.inputs[0], reading.inputs.count > 2 ? reading.inputs[2] : nil])
                }))
    }

    /// The indices, those before the first place behind the last one.
    private static func withoutNegatives(
        _ node: NodeReader, _ depth: Int, _ writing: inout ONNXWriting
    ) throws -> String {
        let name = node.node.name
        if let stored = try node.input(0).tensor {
            let places = stored.asInts().map { Int64($0 < 0 ? depth : $0) }
            return writing.initializer(name + "_index", Tensor(places, shape: stored.shape))
        }
        let indices = try writing.wholeIndices(node, 0)
        let type: DataType = try node.type(0).dataType == .int32 ? .int32 : .int64
        let zero = writing.initializer(name + "_zero", Tensor([0] as [Int64], shape: []).converted(to: type))
        let end = writing.initializer(name + "_end", Tensor([Int64(depth)], shape: []).converted(to: type))
        writing.emit("Less", node, inputs: [indices, zero], suffix: "_isBefore", outputs: [name + "_isBefore"])
        writing.emit(
            "Where", node, inputs: [name + "_isBefore", end, indices], suffix: "_index", outputs: [name + "_index"])
        return name + "_index"
    }

    private enum Element: String, CaseIterable { case float32, float64, float16, int8, uint8, int32, int64 }

    private struct Form {
        var axis: Int
        var depth: Int
        /// off, on
        var values: Tensor

        init(_ attributes: Attributes) throws {
            axis = try attributes.integer("axis") ?? -1
            guard let depth = try attributes.integer("depth"), 0...(1 << 30) ~= depth else {
                throw ModelError("depth is missing or not possible")
            }
            self.depth = depth
            let type = try attributes.choice("dtype", default: Element.float32)
            let numbers = [try attributes.number("off_value") ?? 0, try attributes.number("on_value") ?? 1]
            values = Tensor(numbers).converted(to: (DataType(rawValue: type.rawValue) ?? .float32).computed)
        }

        var kernel: OneHotKernel { OneHotKernel(axis: axis, depth: depth, countsFromEnd: false) }
    }

    private func kernel(_ attributes: Attributes) throws -> OneHotKernel {
        var kernel = try Form(attributes).kernel
        kernel.countsFromEnd = mxnet == nil
        return kernel
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { mxnet == nil ? 2...2 : 1...1 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = mxnet == nil ? try node.type(1).dataType.computed : try Form(node.attributes).values.dataType
        let kernel = try kernel(node.attributes)
        return [
            ValueType(
                type,
                try node.type(0).shape.map {
                    try kernel.resultTypes([TensorType(.int64, $0), TensorType(type, [2])])[0].shape
                })
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let values =
            mxnet == nil
            ? try lowering.floatValue(node, 1) : lowering.addConstant(try Form(node.attributes).values)
        let operands = [try lowering.value(node, 0).buffer, values]
        lowering.define(node, LoweredValue(try lowering.add(try kernel(node.attributes), operands, node)))
    }

    var examples: [OperatorExample] {
        guard mxnet != nil else {
            return [
                OperatorExample(
                    "the first axis, from the end, too",
                    """
                    %index: int64[2, 2] = parameter(0, -1, 2, 9)
                    %values: float32[2] = input
                    %hot_output = OneHot(%index, %values) {axis="0", depth="3"}
                    return %hot_output
                    """)
            ]
        }
        return [
            OperatorExample(
                "indices outside, too",
                """
                %index: float32[2, 2] = parameter(0, 3, 2.5, 9)
                %hot_output = one_hot(%index) {depth="4", off_value="-1.0", on_value="2.0"}
                return %hot_output
                """),
            OperatorExample(
                "whole numbers",
                """
                %index: int32[3] = input
                %hot_output = one_hot(%index) {depth="900", dtype="int32"}
                return %hot_output
                """),
        ]
    }
}
