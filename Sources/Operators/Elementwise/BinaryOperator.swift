import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// a ∘ b of one shape (src/operator/tensor/elemwise_binary_op_*.cc), or where an axis of extent 1 is repeated
/// (elemwise_binary_broadcast_op_*.cc, and NumPy's operators, which always do).
struct BinaryOperator: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization: QuantizationRule
    let examples: [OperatorExample]
    let arithmetic: ArithmeticFamily
    private let broadcasts: Bool

    init(_ arithmetic: ArithmeticFamily, _ names: [String], broadcasts: Bool) {
        self.arithmetic = arithmetic
        self.broadcasts = broadcasts
        name = names[0]
        summary =
            "\(arithmetic.operation.phrase) of two tensors, "
            + (broadcasts ? "axes of extent 1 repeated" : "both of one shape")
        mxnet = arithmetic.isMXNets ? MXNetForm(names: names) : nil
        onnx = Self.form(arithmetic, broadcasts: broadcasts, name: names[0])
        quantization = .float(because: Self.whyFloat(arithmetic.operation, broadcasts: broadcasts))
        examples = Self.examples(names[0], arithmetic, broadcasts: broadcasts)
    }

    private static func whyFloat(_ operation: BinaryOperation, broadcasts: Bool) -> String {
        switch (operation, broadcasts) {
        case (.add, false): "only sums that follow a convolution are quantized, fused into it"
        case (.add, true): "only sums of one shape that follow a convolution are fused into it"
        default: "MXNet has no int8 kernel for this operation"
        }
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    // MARK: ONNX

    /// The operator on tensors of one shape reads what ONNX has one operator for; where there is none, the other does.
    private static func form(_ arithmetic: ArithmeticFamily, broadcasts: Bool, name: String) -> ONNXForm {
        guard arithmetic.formula != nil else {
            return .unsupported(because: "ONNX has neither this operation nor operators to build it from")
        }
        let reads = broadcasts == arithmetic.elementwise.isEmpty
        return .mapped(
            ONNXMapping(
                types: reads ? [arithmetic.onnxType, arithmetic.onnxIntegerType].compactMap { $0 } : [],
                write: { node, writing in
                    if arithmetic.onnxIntegerType != nil, try node.type(0).dataType != .bool, writing.opset < 18 {
                        throw ModelError(
                            "ONNX has no bitwise logic of integers before opset 18", advice: "use --opset 18")
                    }
                    let (a, b) = (try node.type(0).dataType, try node.type(1).dataType)
                    let operands = ArithmeticFamily.promoted(a, b)
                    let expression = try arithmetic.expression(
                        (.input(0), a), (.input(1), b), in: arithmetic.computedType(operands),
                        to: arithmetic.resultType(ofOperands: operands))
                    try writing.emit(expression, node, numberType: arithmetic.computedType(operands))
                },
                read: { try arithmetic.read(&$0) }))
    }

    // MARK: Types and kernels

    private func operandType(_ node: NodeReader) throws -> DataType {
        ArithmeticFamily.promoted(try node.type(0).dataType, try node.type(1).dataType)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (a, b) = (try node.type(0), try node.type(1))
        let type = arithmetic.resultType(ofOperands: try operandType(node))
        guard let x = a.shape, let y = b.shape else { return [ValueType(type, broadcasts ? nil : a.shape ?? b.shape)] }
        guard broadcasts || x == y else { throw ModelError("\(x) and \(y) differ, but \(name) needs one shape") }
        return [ValueType(type, try Shape(broadcasting: [x, y]))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (a, b) = (try lowering.floatValue(node, 0), try lowering.floatValue(node, 1))
        let type = try operandType(node)
        let result = try arithmetic.lower(
            a, b, in: arithmetic.computedType(type), to: arithmetic.resultType(ofOperands: type), node, &lowering)
        lowering.define(node, LoweredValue(result))
    }

    // MARK: Examples

    private static func examples(_ name: String, _ arithmetic: ArithmeticFamily, broadcasts: Bool) -> [OperatorExample]
    {
        func example(_ title: String, _ a: String, _ b: String, type: (String, Int)) -> OperatorExample {
            func input(_ name: String, _ extents: String) -> String {
                let attributes = type.0 == "float32" ? "" : " {__dtype__=\"\(type.1)\", __shape__=\"(\(extents))\"}"
                return "%\(name): \(type.0)[\(extents)] = input\(attributes)"
            }
            // Of negative numbers most powers do not exist.
            let isPower = arithmetic.operation == .power && type.0 == "float32"
            return OperatorExample(
                title,
                """
                \(input("a", a))
                \(input("b", b))
                \(isPower ? "%positive_output = abs(%a)\n" : "")\
                %result_output = \(name)(%\(isPower ? "positive_output" : "a"), %b)
                return %result_output
                """)
        }
        if arithmetic.operation.isBitwise {
            // MXNet has no shifts, and ONNX none of signed integers.
            // MXNet repeats no axes of booleans.
            return arithmetic.isMXNets
                ? [example("booleans", "2, 3", "2, 3", type: ("bool", 7))]
                : [example("whole numbers", "2, 3", "2, 1", type: ("uint8", 3))]
        }
        var all = [
            broadcasts
                ? example("a row to a column", "4, 1", "2, 1, 5", type: ("float32", 0))
                : example("of one shape", "2, 3, 4, 4", "2, 3, 4, 4", type: ("float32", 0))
        ]
        if broadcasts {
            all.append(
                OperatorExample(
                    "one number for each channel",
                    """
                    %a: float32[2, 3, 2, 2] = input
                    %b: float32[1, 3, 1, 1] = parameter(0.5, 2, 1.5)
                    %positive_output = abs(%a)
                    %result_output = \(name)(%positive_output, %b)
                    return %result_output
                    """))
        }
        if [.add, .multiply, .maximum, .equal, .modulo].contains(arithmetic.operation) {
            all.append(
                example("integers", "2, 3", broadcasts ? "2, 1" : "2, 3", type: ("int64", 6)))
        }
        return all
    }
}

extension ArithmeticFamily {
    /// ONNX's operators repeat axes. Where the file does not say shapes, those of computed values nearly always agree; a
    /// stored number is MXNet's scalar.
    func read(_ reading: inout ONNXReading) throws {
        if try reading.integer("broadcast") ?? 0 != 0 { return try readAligned(&reading) }
        if operation == .shiftRight, reading.text("direction") == "LEFT" { return reading.define("BitShiftLeft") }
        if operation == .modulo, try reading.integer("fmod") ?? 0 != 0 { return reading.define("Mod") }
        guard reading.inputs.count == 2 else { return try readMany(&reading) }
        if operation == .power, let base = reading.elementType(0), let exponent = reading.elementType(1),
            Self.promoted(base, exponent) != base, let op = broadcast.first
        {
            // ONNX's power has the type of its base.
            let power = reading.add(op, inputs: reading.inputs, suffix: "_power")
            return reading.define("Cast", ["dtype": .text(base.rawValue)], inputs: [power])
        }
        if !scalar.isEmpty, let number = reading.scalar(1) {
            return reading.define(scalar[0], ["scalar": .text(number)], inputs: [reading.inputs[0]])
        }
        let reversed = operation.isCommutative ? scalar : reversedScalar
        if let op = reversed.first, let number = reading.scalar(0) {
            return reading.define(op, ["scalar": .text(number)], inputs: [reading.inputs[1]])
        }
        let shapes = [0, 1].compactMap(reading.shape)
        let isStored = [0, 1].contains { reading.storedShape($0) != nil }
        let repeats = shapes.count == 2 ? shapes[0] != shapes[1] : isStored
        guard let op = (repeats || elementwise.isEmpty ? broadcast : elementwise).first else { return }
        reading.define(op)
    }
}

extension ArithmeticFamily {
    /// Until opset 6, the axes of the second operand are those of the first from `axis` on; its last, if nothing is said.
    private func readAligned(_ reading: inout ONNXReading) throws {
        guard reading.inputs.count == 2, let op = broadcast.first else {
            throw ModelError("broadcast=1 needs 2 inputs, but it has \(reading.inputs.count)")
        }
        var second = reading.inputs[1]
        if let axis = try reading.integer("axis") {
            let rank = try reading.rank(0, for: "axis=\(axis)"), missing = rank - (try reading.rank(1, for: "axis"))
            let first = axis < 0 ? axis + rank : axis
            guard missing >= 0, 0...missing ~= first else { throw ModelError("axis=\(axis) does not fit its inputs") }
            for index in first..<missing {
                second = reading.add(
                    "expand_dims", ["axis": .integer(-1)], inputs: [second], suffix: "_axis\(index)")
            }
        }
        reading.define(op, inputs: [reading.inputs[0], second])
    }

    /// Max and Min take any number of operands.
    private func readMany(_ reading: inout ONNXReading) throws {
        guard let op = broadcast.first, reading.inputs.count > 2, [.maximum, .minimum].contains(operation) else {
            if reading.inputs.count == 1 { return reading.define("_copy") }
            throw ModelError("has \(reading.inputs.count) inputs, but 2 are needed")
        }
        reading.define(op, inputs: [reading.chain(op, reading.inputs.dropLast()), reading.inputs.last ?? nil])
    }
}

extension ONNXReading {
    /// Adds ((a ∘ b) ∘ c) ∘ …; returns what it computes.
    mutating func chain(_ op: String, _ operands: [ValueID?]) -> ValueID? {
        guard var result = operands.first else { return nil }
        for (index, operand) in operands.enumerated().dropFirst() {
            result = add(op, inputs: [result, operand], suffix: "_\(index)")
        }
        return result
    }

    /// A stored number without axes, as MXNet spells it; nil if it is something else, or both inputs are stored.
    fileprivate func scalar(_ index: Int) -> String? {
        guard let tensor = constant(index), tensor.shape.rank == 0, constant(1 - index) == nil else { return nil }
        if tensor.dataType.isFloatingPoint { return "\(tensor.floats()[0])" }
        guard let value = tensor.asInts().first, abs(Double(value)) < 0x1p53, tensor.dataType != .bool else {
            return nil
        }
        return "\(value)"
    }
}

extension BinaryOperation {
    /// `greaterEqual` → `greater equal`
    var phrase: String {
        rawValue.reduce(into: "") { text, letter in
            if letter.isUppercase { text += " " }
            text += letter.lowercased()
        }
    }

    var isBitwise: Bool {
        switch self {
        case .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: true
        default: false
        }
    }
}
