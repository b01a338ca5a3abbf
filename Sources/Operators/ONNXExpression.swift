import GraphIR
import ONNXFormat
import TensorCore

/// A formula in ONNX's operators, for what ONNX has no single operator for: `Log(x) · 1.442695`.
indirect enum ONNXExpression: Sendable {
    /// An input of the node.
    case input(Int)
    /// A value that was emitted before.
    case value(String)
    /// A number of the type that the node computes in.
    case number(Double)
    case apply(String, [ONNXExpression], [ONNXAttribute])

    static let x = ONNXExpression.input(0)

    static func op(_ type: String, _ operands: ONNXExpression...) -> ONNXExpression { .apply(type, operands, []) }

    func cast(to dataType: DataType) -> ONNXExpression {
        .apply("Cast", [self], [ONNXAttribute("to", .int(Int(ONNXElementType(dataType).rawValue)))])
    }

    /// Whether it is not zero.
    var isNotZero: ONNXExpression { cast(to: .bool) }

    static func + (a: ONNXExpression, b: ONNXExpression) -> ONNXExpression { .op("Add", a, b) }
    static func - (a: ONNXExpression, b: ONNXExpression) -> ONNXExpression { .op("Sub", a, b) }
    static func * (a: ONNXExpression, b: ONNXExpression) -> ONNXExpression { .op("Mul", a, b) }
    static func / (a: ONNXExpression, b: ONNXExpression) -> ONNXExpression { .op("Div", a, b) }
}

extension ONNXWriting {
    /// Emits the nodes of a formula. The last one has the node's name, those before it are numbered.
    /// - Parameter numberType: the type of its numbers; that of the node's first input where it is nil.
    mutating func emit(_ expression: ONNXExpression, _ node: NodeReader, numberType: DataType? = nil) throws {
        let type = try numberType ?? (node.node.inputs.isEmpty ? .float32 : node.type(0).dataType.computed)
        var count = 0
        guard case .apply(let op, let operands, let attributes) = expression else {
            let input = try name(of: expression, node, type, &count)
            return emit("Identity", node, inputs: [input])
        }
        let inputs = try operands.map { try name(of: $0, node, type, &count) }
        emit(op, node, inputs: inputs, attributes: attributes)
    }

    private mutating func name(
        of expression: ONNXExpression, _ node: NodeReader, _ type: DataType, _ count: inout Int
    ) throws -> String {
        switch expression {
        case .input(let index): return try name(node, index)
        case .value(let name): return name
        case .number(let value):
            count += 1
            return initializer("\(node.node.name)_constant\(count)", Tensor(scalar: value, of: type))
        case .apply(let op, let operands, let attributes):
            let inputs = try operands.map { try name(of: $0, node, type, &count) }
            count += 1
            let output = "\(node.node.name)_\(op.lowercased())\(count)"
            emit(op, node, inputs: inputs, attributes: attributes, suffix: "_\(count)", outputs: [output])
            return output
        }
    }
}

extension Tensor {
    /// One number; integers are cut off and saturated.
    init(scalar value: Double, of type: DataType) {
        func integer<Element: TensorElement & FixedWidthInteger>(_: Element.Type) -> Tensor {
            Tensor(scalar: Element(clamping: Int(saturating: value)))
        }
        self =
            switch type {
            case .float32: Tensor(scalar: Float(value))
            case .bool: Tensor(scalar: value != 0)
            case .int8: integer(Int8.self)
            case .uint8: integer(UInt8.self)
            case .int16: integer(Int16.self)
            case .uint16: integer(UInt16.self)
            case .int32: integer(Int32.self)
            case .uint32: integer(UInt32.self)
            case .int64: integer(Int64.self)
            case .uint64: value >= 0x1p63 && value < 0x1p64 ? Tensor(scalar: UInt64(value)) : integer(UInt64.self)
            case .float64: Tensor(scalar: value)
            case .float16: Tensor(scalar: Float(value).halfBits).reinterpreted(as: .float16)
            case .bfloat16: Tensor(scalar: Float(value).bfloat16Bits).reinterpreted(as: .bfloat16)
            }
    }
}
