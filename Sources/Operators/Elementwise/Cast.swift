import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The same values in another type (src/operator/tensor/elemwise_unary_op.h; amp_cast.h: only floats change theirs).
struct Cast: OperatorDefinition {
    enum Kind { case cast, amp }

    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "it works on values, not on codes")
    let examples: [OperatorExample]
    private let kind: Kind

    init(_ kind: Kind) {
        self.kind = kind
        switch kind {
        case .cast:
            name = "Cast"
            summary = "the same values in another type"
            mxnet = MXNetForm(names: ["Cast", "cast", "_npi_cast", "_npx_cast"])
            examples = Self.castExamples
        case .amp:
            name = "amp_cast"
            summary = "floats in another floating-point type"
            mxnet = MXNetForm(names: ["amp_cast"])
            examples = [Self.example("to half and back", "amp_cast", from: "float32", to: ["float16", "float32"])]
        }
        onnx = .mapped(
            ONNXMapping(
                types: kind == .cast ? ["Cast"] : [],
                write: { node, writing in
                    // Floats are rounded to the type, and go on in float32 as all floats do.
                    let type = try Self.dataType(node, kind), cast = ONNXExpression.x.cast(to: type)
                    try writing.emit(type == type.computed ? cast : cast.cast(to: type.computed), node)
                },
                read: { reading in
                    let code = try reading.integer("to") ?? 0
                    guard let type = Int32(exactly: code).flatMap({ ONNXElementType(rawValue: $0)?.dataType }) else {
                        throw ModelError("element type \(code) cannot be cast to")
                    }
                    reading.define("Cast", ["dtype": .text(type.rawValue)])
                }))
    }

    /// The type that the node casts to.
    private static func dataType(_ node: NodeReader, _ kind: Kind) throws -> DataType {
        let type = try node.attributes.choice("dtype", default: DataType.float32), operand = try node.type(0).dataType
        return kind == .amp && !operand.isFloatingPoint ? operand : type
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(try Self.dataType(node, kind), try node.type(0).shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        lowering.define(node, LoweredValue(try lowering.cast(source, to: try Self.dataType(node, kind), node)))
    }

    private static let castExamples = [
        example("fractions are cut off", "Cast", from: "float32", to: ["int32"], scale: "5"),
        example("negative numbers wrap around", "Cast", from: "int32", to: ["uint8"]),
        example("from integers", "Cast", from: "int32", to: ["float32"]),
        example("to bool", "Cast", from: "int32", to: ["bool"]),
        example("to half and back", "Cast", from: "float32", to: ["float16", "float32"]),
    ]

    private static func example(
        _ title: String, _ op: String, from source: String, to types: [String], scale: String = "1"
    ) -> OperatorExample {
        let attributes = source == "float32" ? "" : #" {__dtype__="4", __shape__="(2, 5)"}"#
        var lines = ["%data: \(source)[2, 5] = input\(attributes)"]
        lines.append("%scaled_output = _mul_scalar(%data) {scalar=\"\(scale)\"}")
        var last = "scaled_output"
        for (index, type) in types.enumerated() {
            lines.append("%cast\(index)_output = \(op)(%\(last)) {dtype=\"\(type)\"}")
            last = "cast\(index)_output"
        }
        return OperatorExample(title, (lines + ["return %\(last)"]).joined(separator: "\n"))
    }
}

/// The values of the first input in the type of the second (ONNX).
struct CastLike: OperatorDefinition {
    let name = "CastLike"
    let summary = "the same values in the type of another tensor"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it works on values, not on codes")
    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "CastLike",
            write: { node, writing in try writing.emit(ONNXExpression.x.cast(to: node.type(1).dataType.computed), node)
            },
            read: { reading in reading.define("CastLike") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(try node.type(1).dataType, try node.type(0).shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        lowering.define(node, LoweredValue(try lowering.cast(source, to: try node.type(1).dataType, node)))
    }

    let examples = [
        OperatorExample(
            "float to integer",
            """
            %data: float32[2, 3] = input
            %like: int64[1] = input
            %cast_output = CastLike(%data, %like)
            %both_output = broadcast_add(%cast_output, %like)
            return %both_output
            """)
    ]
}

/// All inputs in the widest of their floating-point types, or the narrowest (src/operator/tensor/amp_cast.cc).
struct AMPMulticast: OperatorDefinition {
    let name = "amp_multicast"
    let summary = "several tensors in one floating-point type"
    let mxnet: MXNetForm? = MXNetForm(names: ["amp_multicast"])
    let quantization = QuantizationRule.float(because: "it works on values, not on codes")
    let onnx = ONNXForm.mapped(
        ONNXMapping(
            types: [],
            write: { node, writing in
                let type = try Self.dataType(node)
                for index in node.node.outputs.indices {
                    writing.emit(
                        "Cast", node, inputs: [try writing.name(node, index)],
                        attributes: [ONNXAttribute("to", .int(Int(ONNXElementType(type.computed).rawValue)))],
                        suffix: index == 0 ? "" : "_\(index)", outputs: [writing.output(node, index)])
                }
            },
            read: { _ in }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> { 1...Int.max }

    private static func dataType(_ node: NodeReader) throws -> DataType {
        let types = try node.node.inputs.indices.map { try node.type($0).dataType }
        let isNarrow = try node.attributes.boolean("cast_narrow") ?? false
        return types.reduce(types[0]) { a, b in
            isNarrow == (ArithmeticFamily.promoted(a, b) == a) ? b : a
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try Self.dataType(node)
        guard node.node.outputs.count == node.node.inputs.count else {
            throw ModelError("has \(node.node.inputs.count) inputs, but \(node.node.outputs.count) outputs")
        }
        return try node.node.inputs.indices.map { ValueType(type, try node.type($0).shape) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let type = try Self.dataType(node)
        for index in node.node.inputs.indices {
            let source = try lowering.floatValue(node, index)
            lowering.define(node, output: index, LoweredValue(try lowering.cast(source, to: type, node)))
        }
    }

    let examples = [
        OperatorExample(
            "two of one type",
            """
            %a: float32[2, 3] = input
            %b: float32[2, 3] = input
            %cast_output0, %cast_output1 = amp_multicast(%a, %b) {num_outputs="2"} name=cast
            %sum_output = elemwise_add(%cast_output0, %cast_output1)
            return %sum_output
            """)
    ]
}

extension Lowering {
    /// The values in another type. Floats are rounded to the type, although they are computed in float32 after it.
    mutating func cast(_ source: BufferID, to dataType: DataType, _ node: NodeReader) throws -> BufferID {
        let isRounded = dataType == .float16 || dataType == .bfloat16
        let cast = isRounded ? try converted(source, to: dataType, node) : source
        if type(of: cast).dataType == dataType.computed {
            return try add(ReshapeKernel(type(of: cast).shape), [cast], node)
        }
        return try converted(cast, to: dataType.computed, node)
    }
}
