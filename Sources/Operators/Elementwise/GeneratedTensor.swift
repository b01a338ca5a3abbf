import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// A tensor that depends on attributes, and on the shape of another at most (src/operator/tensor/init_op.h): it is made
/// when the graph is lowered.
struct GeneratedTensor: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "it is made, not computed from other tensors")
    let examples: [OperatorExample]
    let dependsOnShapesOnly = true
    private let content: Content
    private let takesShape: Bool

    /// What the elements are.
    enum Content {
        case value(Double)
        /// The value that an attribute says.
        case attribute(String)
        /// start + i · step, each `repeat` times.
        case range
        /// `num` numbers from start to stop.
        case linspace
        /// 1 on the diagonal `k`, else 0.
        case eye
    }

    /// - Parameter like: whether an input gives the shape, and the type, unless `dtype` does.
    init(
        _ names: [String], _ content: Content, like: Bool, summary: String,
        examples: [(title: String, attributes: String)]
    ) {
        let name = names[0]
        self.name = name
        self.summary = summary
        self.content = content
        takesShape = like
        mxnet = MXNetForm(names: names)
        onnx = .mapped(
            ONNXMapping(
                types: [],
                write: { node, writing in
                    // What is made at run time in MXNet is stored in ONNX.
                    guard let shape = try Self.shape(node, content, like: like) else {
                        _ = try node.shape(0)
                        return
                    }
                    let type = TensorType(try Self.dataType(node, content, like: like).computed, shape)
                    writing.initializer(writing.output(node), try Self.tensor(node, content, type))
                },
                read: { _ in }))
        self.examples = examples.map { title, attributes in
            let lines = [
                like ? "%data: float32[3, 4] = input" : nil,
                "%made_output = \(name)(\(like ? "%data" : ""))" + (attributes.isEmpty ? "" : " {\(attributes)}"),
                "return %made_output",
            ]
            return OperatorExample(title, lines.compactMap { $0 }.joined(separator: "\n"))
        }
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { takesShape ? 1...1 : 0...0 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [
            ValueType(
                try Self.dataType(node, content, like: takesShape), try Self.shape(node, content, like: takesShape))
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        guard let shape = try Self.shape(node, content, like: takesShape) else {
            throw ModelError("its shape is not known", advice: "give the shapes of the model's inputs with --shape")
        }
        let type = TensorType(try Self.dataType(node, content, like: takesShape).computed, shape)
        lowering.define(node, LoweredValue(lowering.addConstant(try Self.tensor(node, content, type))))
    }

    // MARK: Type

    private static func dataType(_ node: NodeReader, _ content: Content, like: Bool) throws -> DataType {
        if let text = node.attributes.text("dtype"), text != "None" {
            return try node.attributes.choice("dtype", default: DataType.float32)
        }
        // arange_like always gives floats.
        if case .range = content { return .float32 }
        return like ? try node.type(0).dataType : .float32
    }

    /// Nil if it is that of a tensor whose shape is not known.
    private static func shape(_ node: NodeReader, _ content: Content, like: Bool) throws -> Shape? {
        let shape: Shape
        switch content {
        case .range where like:
            guard let data = try node.type(0).shape else { return nil }
            guard let axis = try node.attributes.integer("axis") else { return data }
            guard let index = data.normalized(axis: axis) else { throw ModelError("\(data) has no axis \(axis)") }
            shape = [data[index]]
        case .range:
            let range = try Progression(node)
            guard let stop = range.stop, range.step != 0 else { throw ModelError("a range needs an end and a step") }
            let steps = ((stop - range.start) / range.step).rounded(.up)
            let (count, overflow) = max(Int(saturating: steps), 0).multipliedReportingOverflow(by: range.repetitions)
            guard !overflow else { throw ModelError("its range has more elements than any memory holds") }
            shape = try Shape(checking: [count])
        case .linspace: shape = try Shape(checking: [try node.attributes.extents("num")?.first ?? 50])
        case .eye where node.attributes["shape"] == nil:
            let rows = try node.attributes.extents("N")?.first ?? 0,
                columns = try node.attributes.extents("M")?.first ?? 0
            shape = try Shape(checking: [rows, columns > 0 ? columns : rows])
        default:
            if like { return try node.type(0).shape }
            let extents = try node.attributes.extents("shape") ?? []
            // Before NumPy's shapes, 0 stands for an extent that whoever uses the tensor knows.
            if extents.contains(0), node.graph.metadata["is_np_shape"] != "1" {
                return node.graph[node.node.outputs[0]].type?.shape
            }
            shape = try Shape(checking: extents)
        }
        guard shape.elementCount <= TensorStorage.memoryLimit / 8 else {
            throw ModelError("\(shape) elements do not fit into memory")
        }
        return shape
    }

    // MARK: Elements

    /// The attributes of a range. With `start` alone, it ends there and starts at 0, as Python's.
    private struct Progression {
        var start, step: Double
        var stop: Double?
        let repetitions: Int

        init(_ node: NodeReader) throws {
            start = try node.attributes.number("start") ?? 0
            stop = try node.attributes.number("stop")
            step = try node.attributes.number("step") ?? 1
            repetitions = max(try node.attributes.extents("repeat")?.first ?? 1, 1)
            if stop == nil, node.node.inputs.isEmpty { (start, stop) = (0, start) }
        }
    }

    private static func tensor(_ node: NodeReader, _ content: Content, _ type: TensorType) throws -> Tensor {
        let count = type.shape.elementCount
        let values: [Double]
        switch content {
        case .value(let value): values = [Double](repeating: value, count: count)
        case .attribute(let name):
            guard let value = try node.attributes.number(name) else { throw ModelError("its \(name) is missing") }
            values = [Double](repeating: value, count: count)
        case .range:
            let range = try Progression(node)
            if type.dataType == .float32 {
                // As MXNet, in the type of the result.
                let start = Float(range.start), step = Float(range.step)
                return Tensor((0..<count).map { start + Float($0 / range.repetitions) * step }, shape: type.shape)
            }
            values = (0..<count).map { range.start + Double($0 / range.repetitions) * range.step }
        case .linspace:
            let start = try node.attributes.number("start") ?? 0, stop = try node.attributes.number("stop") ?? 0
            let intervals = try node.attributes.boolean("endpoint") ?? true ? max(count - 1, 1) : max(count, 1)
            values = (0..<count).map { start + Double($0) * ((stop - start) / Double(intervals)) }
        case .eye:
            let columns = type.shape.dimensions.last ?? 1, k = try node.attributes.integer("k") ?? 0
            values = (0..<count).map { $0 % columns - $0 / columns == k ? 1 : 0 }
        }
        return Tensor(values, shape: type.shape).converted(to: type.dataType)
    }
}

extension OperatorFamily {
    static let generatedTensors = [
        GeneratedTensor(
            ["_zeros", "_npi_zeros", "_zeros_without_dtype"], .value(0), like: false, summary: "zeros",
            examples: [("floats", #"dtype="float32", shape="(2, 3)""#), ("integers", #"dtype="int64", shape="(3,)""#)]),
        GeneratedTensor(
            ["_ones", "_npi_ones"], .value(1), like: false, summary: "ones",
            examples: [("floats", #"dtype="float32", shape="(2, 3)""#)]),
        GeneratedTensor(
            ["_full", "_npi_full"], .attribute("value"), like: false, summary: "one number everywhere",
            examples: [
                ("floats", #"dtype="float32", shape="(2, 3)", value="3.5""#),
                ("integers", #"dtype="int32", shape="(2, 3)", value="3.5""#),
            ]),
        GeneratedTensor(
            ["_arange", "_npi_arange"], .range, like: false, summary: "numbers with one step between them",
            examples: [
                ("only an end", #"dtype="float32", start="5", stop="None""#),
                ("backwards", #"dtype="float32", start="10", step="-3", stop="0""#),
                ("repeated integers", #"dtype="int32", repeat="2", start="2", step="2", stop="8""#),
                ("fractions", #"dtype="float32", start="0", step="0.3", stop="1""#),
            ]),
        GeneratedTensor(
            ["_linspace", "_npi_linspace"], .linspace, like: false, summary: "numbers evenly spread over an interval",
            examples: [
                ("with the end", #"dtype="float32", num="5", start="0", stop="1""#),
                ("without it", #"dtype="float32", endpoint="False", num="4", start="0", stop="1""#),
            ]),
        GeneratedTensor(
            ["_eye", "_npi_eye"], .eye, like: false, summary: "ones on a diagonal, else zeros",
            examples: [
                ("a square", #"N="3", dtype="float32""#),
                ("above the diagonal", #"M="4", N="2", dtype="int32", k="1""#),
            ]),
        GeneratedTensor(
            ["_npi_identity"], .eye, like: false, summary: "ones on the diagonal, else zeros",
            examples: [("a square", #"dtype="float32", shape="(3, 3)""#)]),
        GeneratedTensor(
            ["zeros_like", "_sparse_zeros_like"], .value(0), like: true, summary: "zeros in the shape of a tensor",
            examples: [("floats", "")]),
        GeneratedTensor(
            ["ones_like"], .value(1), like: true, summary: "ones in the shape of a tensor", examples: [("floats", "")]),
        GeneratedTensor(
            ["_npi_full_like"], .attribute("fill_value"), like: true,
            summary: "one number everywhere in the shape of a tensor", examples: [("floats", #"fill_value="2.5""#)]),
        GeneratedTensor(
            ["_contrib_arange_like", "_npx_arange_like"], .range, like: true,
            summary: "numbers with one step between them, in the shape of a tensor or along one axis of it",
            examples: [
                ("all elements", ""), ("an axis", #"axis="-1", start="2", step="0.5""#), ("repeated", #"repeat="2""#),
            ]),
    ]
}
