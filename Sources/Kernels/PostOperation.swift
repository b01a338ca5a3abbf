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
        /// x · Φ(x), exactly
        case gelu
        case exp, log, abs, square, sqrt
        /// alpha · x + beta
        case linear
    }

    public var kind: Kind
    public var alpha: Float
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
            case .gelu: 0.5 * x * (1 + erff(x * Float(0.5).squareRoot()))
            case .exp: expf(x)
            case .log: logf(x)
            case .abs: Swift.abs(x)
            case .square: x * x
            case .sqrt: x.squareRoot()
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
    public var outputType: DataType
    /// One for all channels, one for each, or none, which is 1.
    public var scales: [Float]
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

    public var hasResidual: Bool { postOperations.contains { if case .sum = $0 { true } else { false } } }

    /// source, weights, bias?, residual?
    public var operandCount: Int { 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0) }

    public func bias<Operand>(of operands: [Operand]) -> Operand? { hasBias ? operands[2] : nil }

    public func residual<Operand>(of operands: [Operand]) -> Operand? { hasResidual ? operands.last : nil }
}
