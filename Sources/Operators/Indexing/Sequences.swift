import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Sequences of different lengths in one tensor T×B×…: what lies behind an end is masked, or the last elements are
/// taken (src/operator/sequence_mask-inl.h, sequence_last-inl.h). Without lengths, all are as long as the tensor.
struct Sequences: OperatorDefinition {
    enum Kind { case mask, last }

    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "it arranges; MXNet has no form on codes")
    private let kind: Kind

    static let all = [
        Sequences("SequenceMask", .mask, "sequences with a value behind their ends"),
        Sequences("SequenceLast", .last, "the last elements of sequences"),
    ]

    private init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
        var form = MXNetForm(name)
        form.names.append(kind == .mask ? "_npx_sequence_mask" : "_npx_sequence_last")
        mxnet = form
    }

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try usesLengths(node.attributes) ? 2...2 : 1...1
    }

    private func usesLengths(_ attributes: Attributes) throws -> Bool {
        try attributes.boolean("use_sequence_length") ?? false
    }

    private func kernel(_ attributes: Attributes) throws -> SequenceKernel {
        let axis = try attributes.integer("axis") ?? 0
        guard 0...1 ~= axis else { throw ModelError("axis=\(axis) is not supported") }
        return switch kind {
        case .mask: SequenceKernel(.mask(value: Float(try attributes.number("value") ?? 0)), axis: axis)
        case .last: SequenceKernel(.last, axis: axis)
        }
    }

    var onnx: ONNXForm {
        let definition = self
        return .mapped(ONNXMapping(write: { node, writing in try definition.write(node, &writing) }))
    }

    /// Positions are compared with lengths; of the last elements, each in a sequence of zeros, the sum is taken.
    private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let shape = try node.shape(0), axis = try kernel(node.attributes).axis, name = node.node.name
        let source = try writing.name(node, 0)
        guard try usesLengths(node.attributes) else {
            guard kind == .last else { return writing.emit("Identity", node, inputs: [source]) }
            let index = writing.initializer(name + "_index", Tensor(scalar: Int64(shape[axis] - 1)))
            return writing.emit(
                "Gather", node, inputs: [source, index], attributes: [ONNXAttribute("axis", .int(axis))])
        }
        func emit(_ type: String, _ inputs: [String], _ suffix: String, _ attributes: [ONNXAttribute] = []) -> String {
            writing.emit(
                type, node, inputs: inputs, attributes: attributes, suffix: suffix, outputs: [name + suffix])
            return name + suffix
        }
        let float = ONNXAttribute("to", .int(Int(ONNXElementType.float32.rawValue)))
        var lengths = emit("Cast", [try writing.name(node, 1)], "_length", [float])
        lengths = emit("Unsqueeze", [lengths, writing.integers("axis", [axis], node)], "_lengths")
        let positions = writing.initializer(
            name + "_positions",
            Tensor(
                (0..<shape[axis]).map { Float($0) + (kind == .last ? 1 : 0) },
                shape: axis == 0 ? [shape[0], 1] : [1, shape[1]]))
        var mask = emit(kind == .last ? "Equal" : "Less", [positions, lengths], "_reached")
        if shape.rank > 2 {
            mask = emit("Unsqueeze", [mask, writing.integers("axes", Array(2..<shape.rank), node)], "_mask")
        }
        let value = kind == .last ? 0 : Float(try node.attributes.number("value") ?? 0)
        let rest = writing.initializer(name + "_value", Tensor(scalar: value))
        guard kind == .last else { return writing.emit("Where", node, inputs: [mask, source, rest]) }
        let picked = emit("Where", [mask, source, rest], "_picked")
        writing.emit(
            "ReduceSum", node, inputs: [picked, writing.integers("axis", [axis], node)],
            attributes: [ONNXAttribute("keepdims", .int(0))])
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0), kernel = try kernel(node.attributes)
        let shape = try type.shape.map { shape -> Shape in
            guard shape.rank >= 2 else { throw ModelError("\(shape) has no sequences") }
            let lengths = TensorType(.float32, [shape[1 - kernel.axis]])
            return try kernel.resultTypes([TensorType(type.dataType.computed, shape), lengths])[0].shape
        }
        return [ValueType(type.dataType.computed, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0), kernel = try kernel(node.attributes)
        let lengths: BufferID
        if try usesLengths(node.attributes) {
            lengths = try lowering.value(node, 1).buffer
        } else {
            let shape = lowering.type(of: LoweredValue(source)).shape
            let whole = [Int32](repeating: Int32(clamping: shape[kernel.axis]), count: shape[1 - kernel.axis])
            lengths = lowering.addConstant(Tensor(whole))
        }
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source, lengths], node)))
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ shape: String, _ lengths: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(shape)] = input
                %length: float32[2] = parameter(\(lengths))
                %seq_output = \(name)(%data, %length) {\(attributes)}
                return %seq_output
                """)
        }
        let lengths = "use_sequence_length=\"True\""
        let whole = OperatorExample(
            "all as long as the tensor",
            """
            %data: float32[3, 2, 2] = input
            %seq_output = \(name)(%data)
            return %seq_output
            """)
        switch kind {
        case .mask:
            return [
                example("of given lengths", "3, 2, 2", "1, 3", lengths + ", value=\"-1.0\""),
                example("batch first", "2, 3, 2", "0, 2", "axis=\"1\", \(lengths)"), whole,
            ]
        case .last:
            return [
                example("of given lengths", "3, 2, 2", "1, 3", lengths),
                example("batch first", "2, 3, 2", "1, 2", "axis=\"1\", \(lengths)"), whole,
            ]
        }
    }
}
