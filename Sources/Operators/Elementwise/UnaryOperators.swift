import Foundation
import Kernels
import ONNXFormat

extension OperatorFamily {
    private static let noONNX = "ONNX has neither this function nor operators to build it from"

    /// MXNet's functions of one tensor without parameters, and those of ONNX that MXNet lacks.
    static let unaryOperators = [
        UnaryOperator(
            "abs", .absolute, .type("Abs", floatsOnly: false), aliases: ["_npi_absolute"],
            examples: [.aroundZero, .integers]),
        UnaryOperator("negative", .negative, .type("Neg", floatsOnly: false), examples: [.aroundZero, .integers]),
        UnaryOperator("sign", .sign, .type("Sign", floatsOnly: false), examples: [.aroundZero, .integers]),
        UnaryOperator("square", .square, .formula(.x * .x, floatsOnly: false), examples: [.aroundZero, .integers]),
        UnaryOperator("reciprocal", .reciprocal, .type("Reciprocal")),
        UnaryOperator("sqrt", .sqrt, .type("Sqrt"), examples: [.positive]),
        UnaryOperator("rsqrt", .rsqrt, .formula(.op("Reciprocal", .op("Sqrt", .x))), examples: [.positive]),
        UnaryOperator("cbrt", .cbrt, .formula(cubeRoot)),
        UnaryOperator("rcbrt", .rcbrt, .formula(.op("Reciprocal", cubeRoot)), examples: [.positive]),
        UnaryOperator("exp", .exp, .type("Exp")),
        UnaryOperator("expm1", .expm1, .formula(.op("Exp", .x) - .number(1))),
        UnaryOperator("log", .log, .type("Log"), examples: [.positive]),
        UnaryOperator("log2", .log2, .formula(.op("Log", .x) / .number(log(2))), examples: [.positive]),
        UnaryOperator("log10", .log10, .formula(.op("Log", .x) / .number(log(10))), examples: [.positive]),
        UnaryOperator("log1p", .log1p, .formula(.op("Log", .x + .number(1))), examples: [.positive]),
        UnaryOperator("sin", .sin, .type("Sin")),
        UnaryOperator("cos", .cos, .type("Cos")),
        UnaryOperator("tan", .tan, .type("Tan")),
        UnaryOperator("arcsin", .arcsin, .type("Asin")),
        UnaryOperator("arccos", .arccos, .type("Acos")),
        UnaryOperator("arctan", .arctan, .type("Atan")),
        UnaryOperator("sinh", .sinh, .type("Sinh")),
        UnaryOperator("cosh", .cosh, .type("Cosh")),
        UnaryOperator("tanh", .tanh, .formula(.op("Tanh", .x))),
        UnaryOperator("arcsinh", .arcsinh, .type("Asinh")),
        UnaryOperator("arccosh", .arccosh, .type("Acosh"), examples: [.aboveOne]),
        UnaryOperator("arctanh", .arctanh, .type("Atanh")),
        UnaryOperator("degrees", .degrees, .formula(.x * .number(180 / .pi))),
        UnaryOperator("radians", .radians, .formula(.x * .number(.pi / 180))),
        UnaryOperator("floor", .floor, .type("Floor")),
        UnaryOperator("ceil", .ceil, .type("Ceil")),
        UnaryOperator("trunc", .truncate, .formula(truncated), examples: [.aroundZero, .aboveOne]),
        UnaryOperator("fix", .truncate, .formula(truncated), examples: [.aboveOne]),
        UnaryOperator(
            "round", .roundHalfAwayFromZero,
            .formula(.op("Sign", .x) * .op("Floor", .op("Abs", .x) + .number(0.5))),
            summary: "the nearest whole number, of two the one further from zero"),
        UnaryOperator(
            "rint", .roundHalfDown, .formula(.op("Ceil", .x - .number(0.5))),
            summary: "the nearest whole number, of two the lower one"),
        UnaryOperator(
            "Round", .roundHalfToEven, .type("Round"), aliases: nil,
            summary: "the nearest whole number, of two the even one"),
        UnaryOperator("erf", .erf, .type("Erf"), aliases: ["_npx_erf"]),
        UnaryOperator("erfinv", .erfinv, .none(because: noONNX), aliases: ["_npx_erfinv"]),
        UnaryOperator("gamma", .gamma, .none(because: noONNX), aliases: ["_npx_gamma"], examples: [.positive]),
        UnaryOperator("gammaln", .gammaln, .none(because: noONNX), aliases: ["_npx_gammaln"], examples: [.positive]),
        UnaryOperator(
            "logical_not", .logicalNot, .formula(.op("Not", .x.isNotZero)), aliases: [],
            examples: [.aroundZero, .integers], summary: "1 where an element is 0, else 0"),
        UnaryOperator(
            "_npi_logical_not", .logicalNot, .logic("Not"), isAnsweredInBool: true,
            summary: "whether an element is 0"),
        UnaryOperator("_npi_isnan", .isNaN, .type("IsNaN"), isAnsweredInBool: true),
        UnaryOperator("_npi_isinf", .isInfinite, .type("IsInf"), isAnsweredInBool: true),
        UnaryOperator(
            "_npi_isposinf", .isPositiveInfinity, .formula(isInf(negative: 0, positive: 1)), isAnsweredInBool: true),
        UnaryOperator(
            "_npi_isneginf", .isNegativeInfinity, .formula(isInf(negative: 1, positive: 0)), isAnsweredInBool: true),
        UnaryOperator(
            "_npi_bitwise_not", .bitwiseNot, .type("BitwiseNot", floatsOnly: false, since: 18), examples: [.integers]),
        UnaryOperator("_npi_isfinite", .isFinite, .formula(isFinite), isAnsweredInBool: true),
    ]

    private static func isInf(negative: Int, positive: Int) -> ONNXExpression {
        .apply(
            "IsInf", [.x],
            [ONNXAttribute("detect_negative", .int(negative)), ONNXAttribute("detect_positive", .int(positive))])
    }

    private static let cubeRoot = ONNXExpression.op("Sign", .x) * .op("Pow", .op("Abs", .x), .number(1.0 / 3))
    private static let truncated = ONNXExpression.op("Sign", .x) * .op("Floor", .op("Abs", .x))
    private static let isFinite = ONNXExpression.op("Not", .op("Or", .op("IsNaN", .x), .op("IsInf", .x)))
}
