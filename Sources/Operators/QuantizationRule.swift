import GraphIR
import OrderedCollections

/// What MXNet's quantize_graph does with an operator.
public enum QuantizationRule: Sendable {
    /// Has a twin that works on codes.
    case quantized(QuantizedTwin)
    /// Stays in float, and why.
    case float(because: String)

    /// Works on codes and keeps their grid: pooling, flatten.
    /// - Parameters:
    ///   - alignment: whether inputs have to be brought to one grid.
    ///   - refusal: says why a node cannot be quantized, if it cannot.
    public static func passThrough(
        alignsScales alignment: QuantizedTwin.ScaleAlignment = .none,
        refusal: @escaping @Sendable (NodeReader) -> String? = { _ in nil }
    ) -> QuantizationRule {
        .quantized(QuantizedTwin(need: .support, result: .codes, alignment: alignment, refusal: refusal))
    }

    /// Why a node stays in float, if it does.
    public func refusal(of node: NodeReader) -> String? {
        switch self {
        case .quantized(let twin): twin.refusal(node)
        case .float(let reason): reason
        }
    }

    /// For the table of operators.
    public var summary: String {
        switch self {
        case .quantized(let twin): twin.result.summary
        case .float(let reason): "float: \(reason)"
        }
    }
}

/// The int8 twin of an operator: MXNet's FQuantizable, FQuantizedOp and their companions
/// (include/mxnet/op_attr_types.h) as values.
public struct QuantizedTwin: Sendable {
    /// FQuantizable.
    public enum Need: Sendable {
        /// Always worth quantizing.
        case must
        /// Only between others, in smart mode.
        case support
    }

    /// What the twin gives.
    public enum Result: Sendable {
        /// int32; a requantize follows (FNeedRequantize).
        case sums
        /// Codes on a grid that its inputs have.
        case codes
        /// Codes on a grid of its own, which has to be calibrated (FNeedCalibrateOutput).
        case calibratedCodes
        /// Float (FAvoidDequantizeOutput).
        case float

        var summary: String {
            switch self {
            case .sums: "int8, requantized"
            case .codes: "int8, on the grid of its input"
            case .calibratedCodes: "int8, on a calibrated grid"
            case .float: "int8 inside, float result"
            }
        }
    }

    /// What a calibrated twin takes of what follows it (src/operator/subgraph/mkldnn, the post-quantization properties).
    public enum Absorption: Sendable { case nothing, requantize, requantizeAndDequantize }

    /// What it has to do with the common range of a concat's inputs
    /// (mkldnn_post_quantize_align_scale_property.h).
    public enum ScaleAlignment: Sendable {
        case none
        /// What comes in has the range of what goes out.
        case passes
        /// Its inputs should have one range, so that none has to be scaled.
        case joins
    }

    /// Whether it is quantized by itself, or between others only.
    public var need: Need
    /// What its int8 twin gives.
    public var result: Result
    /// What it takes in afterwards.
    public var absorbs: Absorption
    /// Whether inputs have to be brought to one grid.
    public var alignment: ScaleAlignment
    /// Inputs that become codes; the others stay as they are (FAvoidQuantizeInput). Stored ones are quantized once.
    public var codeInputs: @Sendable (any NodeDescription, _ isChannelWise: Bool) -> [Int]
    /// Attributes that the twin has beside those of its float brother.
    public var attributes: Attributes
    /// Whether the operator can leave its parameters in float and quantize them by channel.
    public var supportsChannelWise: Bool
    /// Whether its data is uint8 with a zero point (FNeedAsymQuantizeInput).
    public var isAsymmetric: Bool
    /// Why a node cannot be quantized, if it cannot.
    public var refusal: @Sendable (NodeReader) -> String?

    public init(
        need: Need, result: Result, absorbs: Absorption = .nothing, alignment: ScaleAlignment = .none,
        codeInputs: @escaping @Sendable (any NodeDescription, Bool) -> [Int] = { _, _ in [0] },
        attributes: Attributes = [:], supportsChannelWise: Bool = false, isAsymmetric: Bool = false,
        refusal: @escaping @Sendable (NodeReader) -> String? = { _ in nil }
    ) {
        self.need = need
        self.result = result
        self.absorbs = absorbs
        self.alignment = alignment
        self.codeInputs = codeInputs
        self.attributes = attributes
        self.supportsChannelWise = supportsChannelWise
        self.isAsymmetric = isAsymmetric
        self.refusal = refusal
    }
}
