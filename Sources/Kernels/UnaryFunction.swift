import Foundation

/// A function of one number that has no parameters.
public enum UnaryFunction: String, Sendable, CaseIterable {
    case negative, absolute, sign, reciprocal, square, sqrt, rsqrt, cbrt, rcbrt
    case exp, expm1, log, log2, log10, log1p
    case sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh, degrees, radians
    case floor, ceil, truncate
    /// To the nearest whole number; of two equally near ones the even, the one further from zero, or the lower.
    case roundHalfToEven, roundHalfAwayFromZero, roundHalfDown
    case erf, erfinv, gamma, gammaln
    case bitwiseNot
    case logicalNot, isNaN, isInfinite, isPositiveInfinity, isNegativeInfinity, isFinite

    /// Whether the results are bool.
    public var isQuestion: Bool {
        switch self {
        case .logicalNot, .isNaN, .isInfinite, .isPositiveInfinity, .isNegativeInfinity, .isFinite: true
        default: false
        }
    }

    /// What becomes of one element.
    public func callAsFunction(_ x: Double) -> Double {
        switch self {
        case .negative: -x
        case .absolute: Swift.abs(x)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .reciprocal: 1 / x
        case .square: x * x
        case .sqrt: x.squareRoot()
        case .rsqrt: 1 / x.squareRoot()
        case .cbrt: Foundation.cbrt(x)
        case .rcbrt: 1 / Foundation.cbrt(x)
        case .exp: Foundation.exp(x)
        case .expm1: Foundation.expm1(x)
        case .log: Foundation.log(x)
        case .log2: Foundation.log2(x)
        case .log10: Foundation.log10(x)
        case .log1p: Foundation.log1p(x)
        case .sin: Foundation.sin(x)
        case .cos: Foundation.cos(x)
        case .tan: Foundation.tan(x)
        case .arcsin: asin(x)
        case .arccos: acos(x)
        case .arctan: atan(x)
        case .sinh: Foundation.sinh(x)
        case .cosh: Foundation.cosh(x)
        case .tanh: Foundation.tanh(x)
        case .arcsinh: asinh(x)
        case .arccosh: acosh(x)
        case .arctanh: atanh(x)
        case .degrees: x * (180 / .pi)
        case .radians: x * (.pi / 180)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .truncate: x.rounded(.towardZero)
        case .roundHalfToEven: x.rounded(.toNearestOrEven)
        case .roundHalfAwayFromZero: x.rounded(.toNearestOrAwayFromZero)
        case .roundHalfDown: (x - 0.5).rounded(.up)
        case .erf: Foundation.erf(x)
        case .erfinv: Self.inverseErrorFunction(x)
        case .gamma: tgamma(x)
        case .gammaln: lgamma(x).0
        case .bitwiseNot: -x - 1
        case .logicalNot: x == 0 ? 1 : 0
        case .isNaN: x.isNaN ? 1 : 0
        case .isInfinite: x.isInfinite ? 1 : 0
        case .isPositiveInfinity: x == .infinity ? 1 : 0
        case .isNegativeInfinity: x == -.infinity ? 1 : 0
        case .isFinite: x.isFinite ? 1 : 0
        }
    }

    /// What the function gives for a whole number, if that is a whole number in every case.
    func exactly<Wide: FixedWidthInteger>(_ x: Wide) -> Wide? {
        switch self {
        case .negative: 0 &- x
        case .absolute: x < 0 ? 0 &- x : x
        case .sign: x.signum()
        case .square: x &* x
        case .bitwiseNot: ~x
        case .logicalNot: x == 0 ? 1 : 0
        case .floor, .ceil, .truncate, .roundHalfToEven, .roundHalfAwayFromZero, .roundHalfDown: x
        case .isNaN, .isInfinite, .isPositiveInfinity, .isNegativeInfinity: 0
        case .isFinite: 1
        default: nil
        }
    }

    /// y with erf(y) = x: Winitzki's approximation, made exact by Newton's method.
    private static func inverseErrorFunction(_ x: Double) -> Double {
        guard Swift.abs(x) < 1 else { return Swift.abs(x) == 1 ? x * .infinity : .nan }
        guard x != 0 else { return x }
        let logarithm = Foundation.log1p(-x * x), a = 0.147
        let half = 2 / (.pi * a) + logarithm / 2
        var y = ((half * half - logarithm / a).squareRoot() - half).squareRoot() * (x < 0 ? -1 : 1)
        for _ in 0..<4 {
            y -= (Foundation.erf(y) - x) / (2 / Double.pi.squareRoot() * Foundation.exp(-y * y))
        }
        return y
    }
}
