import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The largest or smallest elements along an axis, or where they are: topk, sort and argsort
/// (src/operator/tensor/ordering_op-inl.h). Without an axis, all elements are one row.
struct TopK: OperatorDefinition {
    enum Kind { case topK, sort, argSort }

    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")
    private let kind: Kind

    static let all = [
        TopK("topk", ["_npx_topk"], .topK, "largest or smallest elements along an axis, and where they are"),
        TopK("sort", ["_npi_sort"], .sort, "elements in order along an axis"),
        TopK("argsort", ["_npi_argsort"], .argSort, "indices of the elements in order along an axis"),
    ]

    private init(_ name: String, _ aliases: [String], _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
        // The indices are there, but nobody sees them.
        var form = MXNetForm(
            name,
            hiddenOutputs: { node in
                kind == .sort || kind == .topK && node.attributes.text("ret_typ") == "value" ? 1 : 0
            })
        form.names += aliases
        mxnet = form
    }

    var onnx: ONNXForm {
        let kind = kind
        var mapping = ONNXMapping(
            write: { node, writing in try TopK.write(node, try Form(node.attributes, kind), &writing) },
            read: { reading in
                var count = try reading.integer("k")
                if reading.hasInput(1) {
                    guard let stored = reading.constant(1)?.asInts().first else {
                        throw ModelError("its number of elements has to be stored in the model")
                    }
                    count = stored
                }
                guard let count, count >= 1 else { throw ModelError("k is missing or not positive") }
                let isLargest = try reading.integer("largest") ?? 1 != 0
                reading.define(
                    "topk",
                    [
                        "axis": .integer(try reading.integer("axis") ?? -1), "dtype": .text("int64"),
                        "is_ascend": .text(isLargest ? "False" : "True"), "k": .integer(count),
                        "ret_typ": .text("both"),
                    ], inputs: Array(reading.inputs.prefix(1)))
            })
        if kind == .topK { mapping.types = ["TopK"] }
        return .mapped(mapping)
    }

    private struct Form {
        enum Result: String, CaseIterable { case value, indices, both, mask }

        var axis: Int?
        var isAscending: Bool
        /// All of them, if it is 0.
        var count: Int
        var result: Result
        var indexType: DataType

        init(_ attributes: Attributes, _ kind: Kind) throws {
            axis = attributes["axis"] == .text("None") ? nil : try attributes.integer("axis") ?? -1
            isAscending = try attributes.boolean("is_ascend") ?? (kind != .topK)
            count = kind == .topK ? try attributes.integer("k") ?? 1 : 0
            switch kind {
            case .topK: result = try attributes.choice("ret_typ", default: .indices)
            case .sort: result = .value
            case .argSort: result = .indices
            }
            indexType = try attributes.choice("dtype", default: IndexType.float32).dataType
        }

        /// - Parameter shape: of the data.
        func kernel(of shape: Shape) throws -> TopKKernel {
            let shape = axis == nil ? [shape.elementCount] : shape
            let axis = try shape.normalized(axes: [axis ?? 0])[0]
            return TopKKernel(
                axis: axis, count: count == 0 ? shape[axis] : count, isLargest: !isAscending, indexType: indexType)
        }
    }

    private enum IndexType: String, CaseIterable {
        case uint8, int32, int64, float16, float32, float64

        var dataType: DataType { (DataType(rawValue: rawValue) ?? .float32).computed }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try Form(node.attributes, kind), source = try node.type(0)
        let type = source.dataType.computed
        let shape = try source.shape.map { shape -> Shape in
            let row = form.axis == nil ? [shape.elementCount] : shape
            let result = try form.kernel(of: shape).resultTypes([TensorType(type, row)])[0].shape
            return form.result == .mask ? shape : result
        }
        switch form.result {
        case .value, .mask: return [ValueType(type, shape)]
        case .indices: return [ValueType(form.indexType, shape)]
        case .both: return [ValueType(type, shape), ValueType(form.indexType, shape)]
        }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try Form(node.attributes, kind)
        var source = try lowering.floatValue(node, 0)
        let type = lowering.type(of: LoweredValue(source))
        if form.axis == nil { source = try lowering.add(ReshapeKernel([type.shape.elementCount]), [source], node) }
        let kernel = try form.kernel(of: type.shape)
        let results = try lowering.addAll(kernel, [source], node)
        switch form.result {
        case .value: lowering.define(node, LoweredValue(results[0]))
        case .indices: lowering.define(node, LoweredValue(results[1]))
        case .both:
            lowering.define(node, LoweredValue(results[0]))
            if node.node.outputs.count > 1 { lowering.define(node, output: 1, LoweredValue(results[1])) }
        case .mask:
            let rows = lowering.type(of: LoweredValue(source)), best = lowering.type(of: LoweredValue(results[1]))
            let constants = [(rows.shape, Float(0)), (best.shape, 1)].map { shape, value in
                lowering.addConstant(
                    Tensor([Float](repeating: value, count: shape.elementCount), shape: shape)
                        .converted(to: type.dataType))
            }
            let mask = try lowering.add(
                ScatterElementsKernel(axis: kernel.axis), [constants[0], results[1], constants[1]], node)
            lowering.define(node, LoweredValue(try lowering.add(ReshapeKernel(type.shape), [mask], node)))
        }
    }

    private static func write(_ node: NodeReader, _ form: Form, _ writing: inout ONNXWriting) throws {
        let shape = try node.shape(0), kernel = try form.kernel(of: shape), name = node.node.name
        guard form.result != .mask else {
            throw ModelError("ret_typ=mask cannot be written as ONNX", advice: "use the indices")
        }
        var input = try writing.name(node, 0)
        if form.axis == nil {
            let row = writing.initializer(name + "_row", Tensor([-1] as [Int64]))
            writing.emit("Reshape", node, inputs: [input, row], suffix: "_flatten", outputs: [name + "_flat"])
            input = name + "_flat"
        }
        let count = writing.initializer(name + "_k", Tensor([Int64(kernel.count)]))
        var attributes = [ONNXAttribute("axis", .int(kernel.axis))]
        if !kernel.isLargest { attributes.append(ONNXAttribute("largest", .int(0))) }
        let values = form.result == .indices ? name + "_values" : writing.output(node)
        // An output that nobody reads need not have a name of the graph's.
        let target =
            form.result == .value || form.result == .both && node.node.outputs.count == 1
            ? name + "_indices" : writing.output(node, form.result == .both ? 1 : 0)
        let isTyped = form.indexType == .int64 || form.result == .value
        let indices = isTyped ? target : name + "_positions"
        let isAlone = isTyped || form.result != .indices
        writing.emit(
            "TopK", node, inputs: [input, count], attributes: attributes, suffix: isAlone ? "" : "_topk",
            outputs: [values, indices])
        if !isTyped {
            writing.cast(
                node, indices, to: form.indexType, suffix: form.result == .indices ? "" : "_indices", output: target)
        }
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ attributes: String, both: Bool = false) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[2, 5, 3] = input
                \(both ? "%top_output0, %top_output1" : "%top_output") = \(name)(%data) {\(attributes)}\(both ? " name=top" : "")
                return \(both ? "%top_output0, %top_output1" : "%top_output")
                """)
        }
        let orders = [
            example("one axis", "axis=\"1\""), example("from the end", "is_ascend=\"False\""),
            example("all elements", "axis=\"None\""),
        ]
        switch kind {
        case .sort: return orders
        case .argSort: return orders + [example("as whole numbers", "axis=\"1\", dtype=\"int32\"")]
        case .topK:
            return [
                example("indices", "k=\"2\""), example("values", "axis=\"1\", k=\"2\", ret_typ=\"value\""),
                example("both, the smallest", "axis=\"1\", is_ascend=\"True\", k=\"3\", ret_typ=\"both\"", both: true),
                example("whole indices", "axis=\"1\", dtype=\"int64\", k=\"3\", ret_typ=\"both\"", both: true),
                example("all elements as one row", "axis=\"None\", k=\"7\""),
            ]
        }
    }
}
