import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's operators whose results are as long as the data decides: NonZero, Compress, Unique. Where the data is not
/// stored with the model, they are computed when it is given.
struct DataDependentSelection: OperatorDefinition {
    enum Kind { case nonZero, compress, unique }

    let name: String
    let summary: String
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no such operator")
    private let kind: Kind

    static let all = [
        DataDependentSelection("NonZero", .nonZero, "indices of the elements that are not zero"),
        DataDependentSelection("Compress", .compress, "slices for which a condition holds"),
        DataDependentSelection("Unique", .unique, "different elements, and where they are"),
    ]

    private init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }

    var onnx: ONNXForm {
        let name = name
        return .mapped(
            ONNXMapping(
                name,
                write: { node, writing in
                    let attributes = try ["axis", "sorted"].compactMap { name in
                        try node.attributes.integer(name).map { ONNXAttribute(name, .int($0)) }
                    }
                    let inputs = try node.node.inputs.indices.map { try writing.name(node, $0) }
                    writing.emit(
                        name, node, inputs: inputs, attributes: attributes,
                        outputs: node.node.outputs.indices.map { writing.output(node, $0) })
                },
                read: { reading in
                    var attributes: Attributes = [:]
                    for name in ["axis", "sorted"] {
                        if let number = try reading.integer(name) { attributes[name] = .integer(number) }
                    }
                    reading.define(name, attributes)
                }))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { kind == .compress ? 2...2 : 1...1 }

    private func kernel(_ attributes: Attributes) throws -> any DataDependentKernel {
        switch kind {
        case .nonZero: NonZeroKernel()
        case .compress: CompressKernel(axis: try attributes.integer("axis"))
        case .unique:
            UniqueKernel(
                axis: try attributes.integer("axis"), isSorted: try attributes.boolean("sorted") ?? true)
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let inputs = try node.node.inputs.indices.compactMap { try node.input($0).tensor }
        if inputs.count == node.node.inputs.count {
            return try kernel(node.attributes).evaluate(inputs).map { ValueType($0.dataType.computed, $0.shape) }
        }
        let type = try node.type(0).dataType.computed
        return node.node.outputs.indices.map { ValueType(kind == .nonZero || $0 > 0 ? .int64 : type, nil) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        let results = try lowering.evaluate(try kernel(node.attributes), operands)
        for (index, result) in zip(node.node.outputs.indices, results) {
            lowering.define(node, output: index, LoweredValue(result))
        }
    }

    var examples: [OperatorExample] {
        func example(_ parameters: String, _ arguments: String, _ attributes: String = "") -> OperatorExample {
            OperatorExample(
                "stored data",
                """
                \(parameters)
                %out_output = \(name)(\(arguments)) {\(attributes)}
                return %out_output
                """)
        }
        let data = "%data: float32[2, 3] = parameter(1, 0, 2, 0, 0, 2)"
        switch kind {
        case .nonZero: return [example(data, "%data")]
        case .unique: return [example(data, "%data")]
        case .compress:
            return [example(data + "\n%kept: bool[3] = parameter(1, 0, 1)", "%data, %kept", "axis=\"1\"")]
        }
    }
}
