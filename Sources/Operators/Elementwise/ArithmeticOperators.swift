import Foundation
import Kernels
import ONNXFormat

extension OperatorFamily {
    /// MXNet's arithmetic of two tensors and of a tensor and a number, in both of its type systems: `nd` answers
    /// questions in the operands' type, NumPy in bool. ONNX's operators are NumPy's.
    static let arithmeticOperators: [any OperatorDefinition] =
        [
            ArithmeticFamily(
                operation: .add, elementwise: ["elemwise_add", "_plus", "_Plus", "_add", "_sparse_elemwise_add"],
                broadcast: [
                    "broadcast_add", "broadcast_plus", "_npi_add", "_sparse_broadcast_add", "_sparse_broadcast_plus",
                ],
                scalar: ["_plus_scalar", "_PlusScalar", "_npi_add_scalar"], onnxType: "Add", formula: { $0 + $1 }),
            ArithmeticFamily(operation: .add, elementwise: ["_grad_add"], formula: { $0 + $1 }),
            ArithmeticFamily(
                operation: .subtract,
                elementwise: ["elemwise_sub", "_minus", "_Minus", "_sub", "_sparse_elemwise_sub"],
                broadcast: [
                    "broadcast_sub", "broadcast_minus", "_npi_subtract", "_sparse_broadcast_sub",
                    "_sparse_broadcast_minus",
                ],
                scalar: ["_minus_scalar", "_MinusScalar", "_npi_subtract_scalar"],
                reversedScalar: ["_rminus_scalar", "_RMinusScalar", "_npi_rsubtract_scalar"], onnxType: "Sub",
                formula: { $0 - $1 }),
            ArithmeticFamily(
                operation: .multiply, elementwise: ["elemwise_mul", "_mul", "_Mul", "_sparse_elemwise_mul"],
                broadcast: ["broadcast_mul", "_npi_multiply", "_sparse_broadcast_mul"],
                scalar: ["_mul_scalar", "_MulScalar", "_npi_multiply_scalar"], onnxType: "Mul", formula: { $0 * $1 }),
            ArithmeticFamily(
                operation: .divide, elementwise: ["elemwise_div", "_div", "_Div", "_sparse_elemwise_div"],
                broadcast: ["broadcast_div", "_sparse_broadcast_div"], scalar: ["_div_scalar", "_DivScalar"],
                reversedScalar: ["_rdiv_scalar", "_RDivScalar"], onnxType: "Div", formula: { $0 / $1 }),
            ArithmeticFamily(
                operation: .divide, result: .float, broadcast: ["_npi_true_divide"],
                scalar: ["_npi_true_divide_scalar"],
                reversedScalar: ["_npi_rtrue_divide_scalar"], formula: { $0 / $1 }),
            ArithmeticFamily(
                operation: .modulo, elementwise: ["_mod", "_Mod"], broadcast: ["broadcast_mod", "_npi_mod"],
                scalar: ["_mod_scalar", "_ModScalar", "_npi_mod_scalar"],
                reversedScalar: ["_rmod_scalar", "_RModScalar", "_npi_rmod_scalar"], onnxType: "Mod", formula: modulo,
                integerFormula: { .op("Mod", $0, $1) }),
            ArithmeticFamily(
                operation: .remainder, broadcast: ["Mod"],
                formula: { .apply("Mod", [$0, $1], [ONNXAttribute("fmod", .int(1))]) }, isMXNets: false),
            ArithmeticFamily(
                operation: .power, elementwise: ["_power", "_Power"], broadcast: ["broadcast_power", "_npi_power"],
                scalar: ["_power_scalar", "_PowerScalar", "_npi_power_scalar"],
                reversedScalar: ["_rpower_scalar", "_RPowerScalar", "_npi_rpower_scalar"], onnxType: "Pow",
                formula: { .op("Pow", $0, $1) }),
            ArithmeticFamily(
                operation: .maximum, elementwise: ["_maximum", "_Maximum"],
                broadcast: ["broadcast_maximum", "_npi_maximum"],
                scalar: ["_maximum_scalar", "_MaximumScalar", "_npi_maximum_scalar"], onnxType: "Max",
                formula: { .op("Max", $0, $1) }),
            ArithmeticFamily(
                operation: .minimum, elementwise: ["_minimum", "_Minimum"],
                broadcast: ["broadcast_minimum", "_npi_minimum"],
                scalar: ["_minimum_scalar", "_MinimumScalar", "_npi_minimum_scalar"], onnxType: "Min",
                formula: { .op("Min", $0, $1) }),
            ArithmeticFamily(
                operation: .hypot, elementwise: ["_hypot", "_Hypot"], broadcast: ["broadcast_hypot", "_npi_hypot"],
                scalar: ["_hypot_scalar", "_HypotScalar", "_npi_hypot_scalar"],
                formula: { .op("Sqrt", $0 * $0 + $1 * $1) }, isOfFloats: true),
            ArithmeticFamily(
                operation: .arctan2, broadcast: ["_npi_arctan2"], scalar: ["_npi_arctan2_scalar"],
                reversedScalar: ["_npi_rarctan2_scalar"], formula: arctan2, isOfFloats: true),
            ArithmeticFamily(
                operation: .copysign, broadcast: ["_npi_copysign"], scalar: ["_npi_copysign_scalar"],
                reversedScalar: ["_npi_rcopysign_scalar"]),
        ].flatMap(\.definitions) + comparisons.flatMap(\.definitions) + bitwise.flatMap(\.definitions)

    private static let comparisons = [
        question(.equal, "equal", "Equal") { .op("Equal", $0, $1) },
        question(.notEqual, "not_equal", nil) { .op("Not", .op("Equal", $0, $1)) },
        question(.greater, "greater", "Greater") { .op("Greater", $0, $1) },
        question(.greaterEqual, "greater_equal", "GreaterOrEqual") { .op("GreaterOrEqual", $0, $1) },
        question(.less, "lesser", "Less") { .op("Less", $0, $1) },
        question(.lessEqual, "lesser_equal", "LessOrEqual") { .op("LessOrEqual", $0, $1) },
        logic(.logicalAnd, "and", "And"), logic(.logicalOr, "or", "Or"), logic(.logicalXor, "xor", "Xor"),
    ].flatMap { $0 }

    /// `broadcast_greater` and its kin, and `_npi_greater`.
    private static func question(
        _ operation: BinaryOperation, _ name: String, _ onnxType: String?,
        _ formula: @escaping @Sendable (ONNXExpression, ONNXExpression) -> ONNXExpression
    ) -> [ArithmeticFamily] {
        let capitals = name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        let numPy = "_npi_" + name.replacing("lesser", with: "less")
        return [
            ArithmeticFamily(
                operation: operation, elementwise: ["_" + name, "_" + capitals.joined(separator: "_")],
                broadcast: ["broadcast_" + name],
                scalar: ["_\(name)_scalar", "_\(capitals.joined())Scalar"], formula: formula),
            ArithmeticFamily(
                operation: operation, result: .bool, broadcast: [numPy], scalar: [numPy + "_scalar"],
                onnxType: onnxType, formula: formula),
        ]
    }

    private static func logic(_ operation: BinaryOperation, _ name: String, _ onnxType: String) -> [ArithmeticFamily] {
        let capitalized = name.prefix(1).uppercased() + name.dropFirst()
        return [
            ArithmeticFamily(
                operation: operation, elementwise: ["_logical_" + name, "_Logical_" + capitalized],
                broadcast: ["broadcast_logical_" + name],
                scalar: ["_logical_\(name)_scalar", "_Logical\(capitalized)Scalar"],
                formula: { .op(onnxType, $0.isNotZero, $1.isNotZero) })
        ]
    }

    /// And, Or and Xor of booleans are the same to MXNet; ONNX has operators of their own for them.
    private static let bitwise = [
        bits(.bitwiseAnd, "and", "And"), bits(.bitwiseOr, "or", "Or"), bits(.bitwiseXor, "xor", "Xor"),
        ArithmeticFamily(
            operation: .shiftLeft, broadcast: ["BitShiftLeft"],
            formula: { .apply("BitShift", [$0, $1], [ONNXAttribute("direction", .string(Array("LEFT".utf8)))]) },
            isMXNets: false),
        ArithmeticFamily(
            operation: .shiftRight, broadcast: ["BitShiftRight"], onnxType: "BitShift",
            formula: { .apply("BitShift", [$0, $1], [ONNXAttribute("direction", .string(Array("RIGHT".utf8)))]) },
            isMXNets: false),
    ]

    private static func bits(_ operation: BinaryOperation, _ name: String, _ onnxType: String) -> ArithmeticFamily {
        ArithmeticFamily(
            operation: operation, broadcast: ["_npi_bitwise_" + name],
            onnxType: onnxType, onnxIntegerType: "Bitwise" + onnxType, formula: { .op(onnxType, $0, $1) },
            integerFormula: { .op("Bitwise" + onnxType, $0, $1) })
    }

    /// Of floats what the quotient rounded down leaves; see `BinaryOperation.modulo`.
    private static let modulo: @Sendable (ONNXExpression, ONNXExpression) -> ONNXExpression = { a, b in
        let zero = ONNXExpression.number(0)
        return .op("Where", .op("Equal", b, zero), zero, a - b * .op("Floor", a / b))
    }

    /// ONNX only has the angle of a quotient, which lies in the right half of the plane.
    private static let arctan2: @Sendable (ONNXExpression, ONNXExpression) -> ONNXExpression = { y, x in
        let zero = ONNXExpression.number(0), angle = ONNXExpression.op("Atan", y / x)
        let isBelow = ONNXExpression.op("Less", y, zero)
        let turned = angle + .op("Where", isBelow, .number(-.pi), .number(.pi))
        let upright = ONNXExpression.op(
            "Where", isBelow, .number(-.pi / 2), .op("Where", .op("Greater", y, zero), .number(.pi / 2), zero))
        return .op(
            "Where", .op("Greater", x, zero), angle, .op("Where", .op("Less", x, zero), turned, upright))
    }
}
