import Foundation
import TensorCore

/// What a convolution or an inner product does with its sums before it rounds them, in this order (oneDNN's
/// post-operations).
public enum PostOperation: Hashable, Sendable {
    /// value + scale · residual, where the residual is the kernel's last operand.
    case sum(scale: Float)
    case activation(ActivationFunction)
}

/// A function of one number.
public struct ActivationFunction: Hashable, Sendable {
    /// Which of them.
    public enum Kind: String, Sendable, CaseIterable {
        /// max(x, 0); with alpha: x < 0 ? alpha · x : x
        case relu
        /// min(max(x, alpha), beta)
        case clip
        case sigmoid, tanh
        /// log(1 + exp(x))
        case softrelu
        /// x / (1 + |x|)
        case softsign
        /// x < 0 ? alpha · (exp(x) − 1) : x
        case elu
        /// x < 0 ? alpha · (exp(x / alpha) − 1) : x
        case celu
        /// x · Φ(x), exactly, or with Φ approximated by tanh
        case gelu, geluTanh
        /// x · sigmoid(alpha · x)
        case swish
        /// x · min(max(x / 6 + 1/2, 0), 1)
        case hardSwish
        /// min(max(alpha · x + beta, 0), 1)
        case hardSigmoid
        /// x · tanh(log(1 + exp(x)))
        case mish
        /// x > alpha ? x : 0
        case thresholdedRelu
        /// x < −alpha ? x + beta : x > alpha ? x − beta : 0
        case shrink
        /// |x| < 1 / alpha² ? (alpha · x)² / 2 : |x| − 1 / (2 · alpha²)
        case smoothL1
        case exp, log, abs, square, sqrt
        /// The nearest whole number, of two the even one.
        case round
        /// alpha · x + beta
        case linear
    }

    /// Which of them.
    public var kind: Kind
    /// The first coefficient of the formula.
    public var alpha: Float
    /// The second coefficient of the formula.
    public var beta: Float
    /// Multiplies the result: oneDNN's eltwise scale.
    public var scale: Float

    public init(_ kind: Kind, alpha: Float = 0, beta: Float = 0, scale: Float = 1) {
        self.kind = kind
        self.alpha = alpha
        self.beta = beta
        self.scale = scale
    }

    /// Whether f(c · x) = c · f(x) for c > 0: such a function does not mind the unit of its argument.
    public var isHomogeneous: Bool { kind == .relu || kind == .abs }

    /// What becomes of one element.
    public func callAsFunction(_ x: Float) -> Float {
        let value: Float =
            switch kind {
            case .relu: x < 0 ? alpha * x : x
            case .clip: min(max(x, alpha), beta)
            case .sigmoid: 1 / (1 + expf(-x))
            case .tanh: tanhf(x)
            case .softrelu: x > 20 ? x : log1pf(expf(x))
            case .softsign: x / (1 + Swift.abs(x))
            case .elu: x < 0 ? alpha * expm1f(x) : x
            case .celu: x < 0 ? alpha * expm1f(x / alpha) : x
            case .gelu: 0.5 * x * (1 + erff(x * Float(0.5).squareRoot()))
            case .geluTanh: 0.5 * x * (1 + tanhf(Float(2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
            case .swish: x / (1 + expf(-alpha * x))
            case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
            case .hardSigmoid: min(max(alpha * x + beta, 0), 1)
            case .mish: x * tanhf(x > 20 ? x : log1pf(expf(x)))
            case .thresholdedRelu: x > alpha ? x : 0
            case .shrink: x < -alpha ? x + beta : x > alpha ? x - beta : 0
            case .smoothL1:
                Swift.abs(x) < 1 / (alpha * alpha)
                    ? 0.5 * (alpha * x) * (alpha * x) : Swift.abs(x) - 0.5 / (alpha * alpha)
            case .exp: expf(x)
            case .log: logf(x)
            case .abs: Swift.abs(x)
            case .square: x * x
            case .sqrt: x.squareRoot()
            case .round: x.rounded(.toNearestOrEven)
            case .linear: alpha * x + beta
            }
        return scale * value
    }
}

/// What a convolution and an inner product have in common after the sums of products.
///
///     t = (Σ w·x + bias) · outputScale[channel]  →  postOperations  →  round, saturate to outputType
///
/// Integer sums and biases are int32, everything after them is float32.
public struct OutputStage: Hashable, Sendable {
    /// The type of the results.
    public var outputType: DataType
    /// One for all channels, one for each, or none, which is 1.
    public var scales: [Float]
    /// What follows the sums, in order.
    public var postOperations: [PostOperation]
    /// An operand follows the weights: float32, or int32 where the sums are integers.
    public var hasBias: Bool

    public init(
        outputType: DataType = .float32, scales: [Float] = [], postOperations: [PostOperation] = [],
        hasBias: Bool = false
    ) {
        self.outputType = outputType
        self.scales = scales
        self.postOperations = postOperations
        self.hasBias = hasBias
    }

    /// Whether another operand is added.
    public var hasResidual: Bool { postOperations.contains { if case .sum = $0 { true } else { false } } }

    /// source, weights, bias?, residual?
    public var operandCount: Int { 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0) }

    /// The operand that is added to each channel.
    public func bias<Operand>(of operands: [Operand]) -> Operand? { hasBias ? operands[2] : nil }

    /// The operand that is added at the end.
    public func residual<Operand>(of operands: [Operand]) -> Operand? { hasResidual ? operands.last : nil }
}
