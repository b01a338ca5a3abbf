import Foundation
import Kernels

extension OperatorFamily {
    /// Functions of neural networks: MXNet's, and those of ONNX that MXNet lacks. `Activation` has those that are both
    /// operators of their own and an `act_type`, and it reads ONNX's Relu, Sigmoid, Tanh, Softplus and Softsign.
    static let activationOperators: [any OperatorDefinition] = [
        Clip(), LeakyReLU(),
        ParametricFunction("relu", "_npx_relu", "_sparse_relu", kind: .relu, .plain("Relu"), summary: "max(x, 0)"),
        ParametricFunction(
            "sigmoid", "_npx_sigmoid", "_sparse_sigmoid", kind: .sigmoid, .plain("Sigmoid"),
            summary: "1 / (1 + exp(−x))"),
        ParametricFunction("softsign", kind: .softsign, .plain("Softsign"), summary: "x / (1 + |x|)"),
        ParametricFunction(
            "hard_sigmoid", kind: .hardSigmoid, alpha: .init("alpha", 0.2), beta: .init("beta", 0.5),
            .type("HardSigmoid"), attributes: #"alpha="0.125", beta="0.25""#,
            summary: "min(max(alpha · x + beta, 0), 1)"),
        ParametricFunction(
            "smooth_l1", "_npx_smooth_l1", kind: .smoothL1, alpha: .init("scalar", 1), .formula(smoothL1),
            attributes: #"scalar="2""#, summary: "|x|, rounded off to a parabola near zero"),
        ParametricFunction(
            "Mish", kind: .mish, .type("Mish", since: 18, otherwise: mish), isMXNets: false,
            summary: "x · tanh(log(1 + exp(x)))"),
        ParametricFunction(
            "HardSwish", kind: .hardSwish, .type("HardSwish", since: 14, otherwise: hardSwish), isMXNets: false,
            summary: "x · min(max(x / 6 + 1/2, 0), 1)"),
        ParametricFunction(
            "Celu", kind: .celu, alpha: .init("alpha", 1), .type("Celu"), isMXNets: false,
            attributes: #"alpha="2.0""#, summary: "max(x, 0) + min(alpha · (exp(x / alpha) − 1), 0)"),
        ParametricFunction(
            "ThresholdedRelu", kind: .thresholdedRelu, alpha: .init("alpha", 1), .type("ThresholdedRelu"),
            isMXNets: false, attributes: #"alpha="0.5""#, summary: "x where it exceeds alpha, else 0"),
        ParametricFunction(
            "Shrink", kind: .shrink, alpha: .init("lambd", 0.5), beta: .init("bias", 0), .type("Shrink"),
            isMXNets: false, attributes: #"bias="0.25", lambd="1.5""#,
            summary: "x moved toward 0 by bias; 0 where |x| ≤ lambd"),
        ParametricFunction(
            "Swish", kind: .swish, alpha: .init("alpha", 1),
            .formula { x in
                .x * .op("Sigmoid", x.alpha == 1 ? .x : .x * .number(Double(x.alpha)))
            }, isMXNets: false, attributes: #"alpha="1.5""#, summary: "x · sigmoid(alpha · x)"),
        ParametricFunction(
            "GeluTanh", kind: .geluTanh, .formula { _ in geluTanh }, isMXNets: false,
            summary: "gelu with Φ approximated by tanh"),
        ArithmeticFamily(
            operation: .leakyRelu, broadcast: ["PRelu"], formula: { .op("PRelu", $0, $1) }, isMXNets: false
        ).definitions[0],
    ]

    private static let geluTanh: ONNXExpression = {
        let x = ONNXExpression.x, factor = ONNXExpression.number((2 / Double.pi).squareRoot())
        let angle = (x + x * x * x * .number(0.044715)) * factor
        return x * .number(0.5) * (.op("Tanh", angle) + .number(1))
    }()

    private static let smoothL1: @Sendable (ActivationFunction) -> ONNXExpression = { function in
        let square = Double(function.alpha) * Double(function.alpha)
        let size = ONNXExpression.op("Abs", .x)
        return .op(
            "Where", .op("Less", size, .number(1 / square)), .x * .x * .number(square / 2), size - .number(0.5 / square)
        )
    }

    private static let mish = ONNXExpression.x * .op("Tanh", .op("Softplus", .x))
    private static let hardSwish: ONNXExpression = {
        let line = ONNXExpression.x * .number(1.0 / 6) + .number(0.5)
        return .x * .op("Min", .op("Max", line, .number(0)), .number(1))
    }()
}
