import Foundation

/// What a `BinaryKernel` does with two numbers, a and b.
public enum BinaryOperation: String, Sendable, CaseIterable {
    /// Integers wrap around; quotients of integers are cut off, and 0 where b is 0.
    case add, subtract, multiply, divide
    case maximum, minimum
    /// What is left of a after whole multiples of b. It has the sign of b, and is 0 where b is 0.
    case modulo
    /// The same with the sign of a, as C's fmod.
    case remainder
    case power, hypot, arctan2, copysign
    /// a < 0 ? a · b : a
    case leakyRelu
    case bitwiseAnd, bitwiseOr, bitwiseXor
    /// Bits that are shifted out are lost.
    case shiftLeft, shiftRight
    case equal, notEqual, greater, greaterEqual, less, lessEqual
    /// Of what is not zero.
    case logicalAnd, logicalOr, logicalXor

    /// Whether the results are bool.
    public var isQuestion: Bool {
        switch self {
        case .equal, .notEqual, .greater, .greaterEqual, .less, .lessEqual, .logicalAnd, .logicalOr, .logicalXor: true
        default: false
        }
    }

    public var isCommutative: Bool {
        switch self {
        case .add, .multiply, .maximum, .minimum: true
        default: false
        }
    }

    /// What is no question's answer.
    @inline(__always)
    func value(_ a: Float, _ b: Float) -> Float {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: a > b || a.isNaN ? a : b
        case .minimum: a < b || a.isNaN ? a : b
        case .modulo: Self.modulo(a, b)
        case .remainder: fmodf(a, b)
        case .power: powf(a, b)
        case .hypot: hypotf(a, b)
        case .arctan2: atan2f(a, b)
        case .copysign: copysignf(a, b)
        case .leakyRelu: a < 0 ? a * b : a
        default: .nan
        }
    }

    /// mshadow_op::mod of MXNet; the remainder is exact, and moving it to the other sign rounds once.
    private static func modulo(_ a: Float, _ b: Float) -> Float {
        guard b != 0 else { return 0 }
        let remainder = fmodf(a, b)
        return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
    }

    @inline(__always)
    func value<Wide: FixedWidthInteger>(_ a: Wide, _ b: Wide) -> Wide {
        switch self {
        case .add: a &+ b
        case .subtract: a &- b
        case .multiply: a &* b
        case .divide: b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
        case .maximum: Swift.max(a, b)
        case .minimum: Swift.min(a, b)
        case .remainder: b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
        case .modulo: Self.modulo(a, b)
        case .power: Self.power(a, b)
        case .leakyRelu: a < 0 ? a &* b : a
        case .bitwiseAnd: a & b
        case .bitwiseOr: a | b
        case .bitwiseXor: a ^ b
        case .shiftLeft: a << b
        case .shiftRight: a >> b
        case .hypot, .arctan2, .copysign:
            Wide(truncatingIfNeeded: Int(saturating: Double(value(Float(a), Float(b)))))
        default: 0
        }
    }

    private static func modulo<Wide: FixedWidthInteger>(_ a: Wide, _ b: Wide) -> Wide {
        guard b != 0 else { return 0 }
        let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
        return remainder != 0 && (remainder < 0) != (b < 0) ? remainder &+ b : remainder
    }

    /// By squaring. Negative powers are cut off: 1 to any power, ±1 for −1, else 0.
    private static func power<Wide: FixedWidthInteger>(_ base: Wide, _ exponent: Wide) -> Wide {
        if exponent < 0 {
            if base == 1 { return 1 }
            return base == 0 &- 1 ? (exponent & 1 == 0 ? 1 : base) : 0
        }
        var result: Wide = 1, square = base, rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = result &* square }
            square = square &* square
            rest >>= 1
        }
        return result
    }

    /// The answer of a question.
    @inline(__always)
    func answer<Number: Comparable & ExpressibleByIntegerLiteral>(_ a: Number, _ b: Number) -> Bool {
        switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .greater: a > b
        case .greaterEqual: a >= b
        case .less: a < b
        case .lessEqual: a <= b
        case .logicalAnd: a != 0 && b != 0
        case .logicalOr: a != 0 || b != 0
        case .logicalXor: (a != 0) != (b != 0)
        default: false
        }
    }
}
