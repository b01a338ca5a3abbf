import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's LSTM, GRU and RNN: one layer in one direction or both, with its parameters apart (onnx/defs/rnn/defs.cc).
/// MXNet's RNN has neither peepholes nor sequences of several lengths nor other activations, and another layout.
///
/// The inputs that a node leaves out are not among its inputs here; the attribute `inputs` names those that it has.
struct RecurrentLayer: OperatorDefinition {
    enum Kind: String, CaseIterable { case lstm = "LSTM", gru = "GRU", rnn = "RNN" }

    let kind: Kind
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "MXNet has no such operator")

    init(_ kind: Kind) { self.kind = kind }

    /// MXNet's RNN is another operator.
    var name: String { kind == .rnn ? "PlainRNN" : kind.rawValue }
    var summary: String { "one \(kind == .rnn ? "plain recurrent" : kind.rawValue) layer as ONNX has it" }

    /// Their order in ONNX's matrices.
    static func gates(ofONNX type: String) -> [RecurrentKernel.Gate] {
        switch Kind(rawValue: type) {
        case .lstm: [.input, .output, .forget, .candidate]
        case .gru: [.update, .reset, .candidate]
        case .rnn, nil: [.candidate]
        }
    }

    private static let inputNames = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    private static let attributeNames = [
        "activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget",
        "layout", "linear_before_reset",
    ]

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(
                kind.rawValue,
                write: { node, writing in
                    let names = try Self.presentInputs(node.node)
                    let last = names.last.flatMap(Self.inputNames.firstIndex) ?? 0
                    let inputs = try Self.inputNames[...last].map { name in
                        try names.firstIndex(of: name).map { try writing.name(node, $0) } ?? ""
                    }
                    writing.emit(
                        kind.rawValue, node, inputs: inputs, attributes: try Self.attributes(of: node),
                        outputs: node.node.outputs.indices.map { writing.output(node, $0) })
                },
                read: { reading in
                    var attributes: Attributes = [:]
                    for attribute in reading.node.attributes where Self.attributeNames.contains(attribute.name) {
                        attributes[attribute.name] = try Self.attribute(attribute)
                    }
                    let names = zip(Self.inputNames, reading.inputs).filter { $0.1 != nil }.map(\.0)
                    attributes["inputs"] = .strings(names)
                    reading.define(name, attributes, inputs: reading.inputs.filter { $0 != nil })
                }))
    }

    private static func attribute(_ attribute: ONNXAttribute) throws -> Attribute {
        switch attribute.value {
        case .int(let value): .integer(value)
        case .float(let value): .number(Double(value))
        case .floats(let values): .numbers(values.map(Double.init))
        case .strings(let texts): .strings(texts.map { String(decoding: $0, as: UTF8.self) })
        case .string: .text(attribute.value.text ?? "")
        default: throw ModelError("attribute \(attribute.name) is of the wrong kind")
        }
    }

    private static func attributes(of node: NodeReader) throws -> [ONNXAttribute] {
        try node.attributes.filter { attributeNames.contains($0.key) }.map { name, value in
            switch value {
            case .integer(let number): ONNXAttribute(name, .int(number))
            case .number(let number): ONNXAttribute(name, .float(Float(number)))
            case .numbers(let numbers): ONNXAttribute(name, .floats(numbers.map { Float($0) }))
            case .strings(let texts): ONNXAttribute(name, .strings(texts.map { Array($0.utf8) }))
            case .text(let text): ONNXAttribute(name, .string(text))
            default: throw ModelError("attribute \(name) is of the wrong kind")
            }
        }
    }

    static func presentInputs(_ node: any NodeDescription) throws -> [String] {
        guard case .strings(let names)? = node.attributes["inputs"], names.count == node.inputs.count,
            names.prefix(3) == inputNames.prefix(3), names.allSatisfy(inputNames.contains)
        else { throw ModelError("does not say which inputs it has") }
        return names
    }

    // MARK: Types

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...(kind == .lstm ? 8 : 6) }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let kernel = try kernel(node)
        let source = try node.type(0).shape, recurrent = try node.type(2).shape
        guard let source, let recurrent, source.rank == 3, recurrent.rank == 3 else {
            return node.node.outputs.map { _ in ValueType(.float32, nil) }
        }
        let types = try kernel.resultTypes(
            operandShapes(node, kernel, source, recurrent).map { TensorType(.float32, $0) })
        return types.map { ValueType(.float32, $0.shape) }
    }

    /// What the kernel wants, where an input is left out or its shape is not known.
    private func operandShapes(
        _ node: NodeReader, _ kernel: RecurrentKernel, _ source: Shape, _ recurrent: Shape
    ) throws -> [Shape] {
        let directions = kernel.directions.count, rows = recurrent[1]
        let (batch, cells) = (kernel.isBatchFirst ? source[0] : source[1], recurrent[2])
        let state: Shape = kernel.isBatchFirst ? [batch, directions, cells] : [directions, batch, cells]
        let shapes: [String: Shape] = [
            "X": source, "W": [directions, rows, source[2]], "R": recurrent, "B": [directions, 2 * rows],
            "initial_h": state, "initial_c": state, "P": [directions, 3 * cells], "sequence_lens": [batch],
        ]
        return Self.operandOrder(kernel).compactMap { shapes[$0] }
    }

    private static func operandOrder(_ kernel: RecurrentKernel) -> [String] {
        ["X", "W", "R", "B", "initial_h"] + (kernel.hasCellState ? ["initial_c"] : [])
            + (kernel.hasPeepholes ? ["P"] : []) + (kernel.hasLengths ? ["sequence_lens"] : [])
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let kernel = try kernel(node)
        let (source, recurrent) = (try node.shape(0), try node.shape(2))
        guard source.rank == 3, recurrent.rank == 3 else {
            throw ModelError("inputs of shapes \(source) and \(recurrent) do not fit a recurrent layer")
        }
        let names = try Self.presentInputs(node.node)
        let shapes = try operandShapes(node, kernel, source, recurrent)
        let operands = try zip(Self.operandOrder(kernel), shapes).map { name, shape in
            guard let index = names.firstIndex(of: name) else {
                let zeros = [Float](repeating: 0, count: try Shape(checking: shape.dimensions).elementCount)
                return lowering.addConstant(Tensor(zeros, shape: shape))
            }
            return try lowering.floatValue(node, index)
        }
        let results = try lowering.addAll(kernel, operands, node)
        for (index, result) in results.enumerated() where index < node.node.outputs.count {
            lowering.define(node, output: index, LoweredValue(result))
        }
    }

    // MARK: Attributes

    private enum Direction: String, CaseIterable { case forward, reverse, bidirectional }

    func kernel(_ node: NodeReader) throws -> RecurrentKernel {
        let names = try Self.presentInputs(node.node), attributes = node.attributes
        let directions: [RecurrentKernel.Direction] =
            switch try attributes.choice("direction", default: Direction.forward) {
            case .forward: [.forward]
            case .reverse: [.backward]
            case .bidirectional: [.forward, .backward]
            }
        let cell: RecurrentKernel.Cell =
            switch kind {
            case .lstm:
                .lstm(
                    hasPeepholes: names.contains("P"),
                    couplesForgetGate: try attributes.integer("input_forget") ?? 0 != 0)
            case .gru: .gru(linearBeforeReset: try attributes.integer("linear_before_reset") ?? 0 != 0)
            case .rnn: .rnn
            }
        let functions = try RecurrentActivations(attributes)
        let activations = try directions.indices.map { try functions.next(kind, direction: $0) }
        var kernel = RecurrentKernel(
            cell, gates: Self.gates(ofONNX: kind.rawValue), directions: directions, activations: activations,
            clip: try attributes.number("clip").map { Float($0) })
        kernel.hasLengths = names.contains("sequence_lens")
        kernel.isBatchFirst = try attributes.integer("layout") ?? 0 != 0
        kernel.separatesDirections = true
        return kernel
    }

    var examples: [OperatorExample] {
        let (gates, extra) = (Self.gates(ofONNX: kind.rawValue).count, kind == .lstm)
        let example = OperatorExample(
            "in both directions, with all inputs",
            """
            %data: float32[4, 2, 3] = input
            %w: float32[2, \(gates * 2), 3] = parameter(...)
            %r: float32[2, \(gates * 2), 2] = parameter(...)
            %b: float32[2, \(gates * 4)] = parameter(...)
            %lengths: int32[2] = parameter(4, 2)
            %h: float32[2, 2, 2] = input
            \(extra ? "%c: float32[2, 2, 2] = input\n%p: float32[2, 6] = parameter(...)\n" : "")\
            %layer_y, %layer_h\(extra ? ", %layer_c" : "") = \(name)(%data, %w, %r, %b, %lengths, \
            %h\(extra ? ", %c, %p" : "")) \
            {direction="bidirectional", hidden_size=2, \
            inputs=["X", "W", "R", "B", "sequence_lens", "initial_h"\(extra ? ", \"initial_c\", \"P\"" : "")]}
            return %layer_y, %layer_h\(extra ? ", %layer_c" : "")
            """)
        let backward = OperatorExample(
            "backward, without states",
            """
            %data: float32[3, 1, 2] = input
            %w: float32[1, \(gates * 3), 2] = parameter(...)
            %r: float32[1, \(gates * 3), 3] = parameter(...)
            %layer_y = \(name)(%data, %w, %r) {direction="reverse", hidden_size=3, inputs=["X", "W", "R"]}
            return %layer_y
            """)
        return [example, backward]
    }
}
