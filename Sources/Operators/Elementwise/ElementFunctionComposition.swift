import GraphIR
import Kernels

/// ONNX's functions of one element in operators of MXNet's.
extension ParametricFunction: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let function = try function(of: composition.node.node), x = try composition.input(0)
        let alpha = Double(function.alpha), beta = Double(function.beta)
        switch function.kind {
        case .mish:
            let positive = composition.add("Activation", ["act_type": .text("softrelu")], x)
            try composition.finish("elemwise_mul", [:], x, composition.add("tanh", [:], positive))
        case .hardSwish:
            let line: Attributes = ["alpha": .number(1.0 / 6), "beta": .number(0.5)]
            try composition.finish("elemwise_mul", [:], x, composition.add("hard_sigmoid", line, x))
        case .celu:
            let scaled = composition.add("_div_scalar", scalar: alpha, x)
            let elu = composition.add("LeakyReLU", ["act_type": .text("elu"), "slope": .number(1)], scaled)
            try composition.finish("_mul_scalar", ["scalar": .number(alpha)], elu)
        case .thresholdedRelu:
            let exceeds = composition.add("_greater_scalar", scalar: alpha, x)
            try composition.finish("where", [:], exceeds, x, composition.add("zeros_like", [:], x))
        case .shrink:
            // alpha is the threshold, beta the bias.
            let below = composition.add("_lesser_scalar", scalar: -alpha, x)
            let above = composition.add("_greater_scalar", scalar: alpha, x)
            let up = composition.add("_plus_scalar", scalar: beta, x)
            let down = composition.add("_minus_scalar", scalar: beta, x)
            let zeros = composition.add("zeros_like", [:], x)
            try composition.finish("where", [:], above, down, composition.add("where", [:], below, up, zeros))
        case .swish:
            let scaled = composition.add("_mul_scalar", scalar: alpha, x)
            try composition.finish("elemwise_mul", [:], x, composition.add("sigmoid", [:], scaled))
        case .geluTanh:
            let cube = composition.add("_mul_scalar", scalar: 0.044715, composition.add("_power_scalar", scalar: 3, x))
            let sum = composition.add("elemwise_add", [:], x, cube)
            let angle = composition.add("_mul_scalar", scalar: (2 / Double.pi).squareRoot(), sum)
            let share = composition.add("_plus_scalar", scalar: 1, composition.add("tanh", [:], angle))
            try composition.finish(
                "elemwise_mul", [:], composition.add("_mul_scalar", scalar: 0.5, x), share)
        default: return false
        }
        return true
    }
}

/// ONNX's Round: MXNet's rounds halves away from zero, which is twice too far for odd halves.
extension UnaryOperator: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        guard function == .roundHalfToEven else { return false }
        let x = try composition.input(0)
        let fraction = composition.add("elemwise_sub", [:], x, composition.add("trunc", [:], x))
        let isHalf = composition.add("_equal_scalar", scalar: 0.5, composition.add("abs", [:], fraction))
        let half = composition.add("round", [:], composition.add("_mul_scalar", scalar: 0.5, x))
        let even = composition.add("_mul_scalar", scalar: 2, half)
        try composition.finish("where", [:], isHalf, even, composition.add("round", [:], x))
        return true
    }
}

/// ONNX's PRelu with a slope of any shape, and its Mod in C's way, with the sign of the dividend.
extension BinaryOperator: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node
        guard try node.type(0).dataType.isFloatingPoint else { return false }
        let a = try composition.input(0), b = try composition.input(1)
        switch arithmetic.operation {
        case .leakyRelu:
            let negative = composition.add("broadcast_mul", [:], composition.add("_minimum_scalar", scalar: 0, a), b)
            try composition.finish("broadcast_add", [:], composition.add("relu", [:], a), negative)
        case .remainder:
            let whole = composition.add("trunc", [:], composition.add("broadcast_div", [:], a, b))
            try composition.finish("broadcast_sub", [:], a, composition.add("broadcast_mul", [:], whole, b))
        default: return false
        }
        return true
    }
}

extension CastLike: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let type = try composition.node.type(1).dataType
        try composition.finish("Cast", ["dtype": .text(type.rawValue)], composition.input(0))
        return true
    }
}
