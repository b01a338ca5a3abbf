import GraphIR
import TensorCore

/// Padding of a convolution or a pooling that differs at the two ends of an axis. MXNet's layers have no such padding; its
/// Pad (src/operator/pad.cc) in front of them does the same, for data of two or three spatial axes.
public struct UnevenPadding: Sendable {
    /// The attributes of Pad.
    public let border: Attributes
    /// The attributes of the layer behind it.
    public let rest: Attributes

    /// Nil if the node has no such padding, or if a border would not do the same: in a mean without the padding, in a
    /// layer on codes.
    public init?(_ node: NodeReader) throws {
        guard node.attributes["pad_end"] != nil || node.attributes["auto_pad"] != nil,
            let fill = try Self.fill(node), try !node.type(0).isQuantized
        else { return nil }
        let window = try WindowAttributes(node.attributes).resolved(over: node.shape(0))
        guard window.pads != window.padsEnd, 2...3 ~= window.kernel.count else { return nil }
        let widths = [0, 0, 0, 0] + zip(window.pads, window.padsEnd).flatMap { [$0, $1] }
        border = ["mode": .text("constant"), "constant_value": .number(fill), "pad_width": .integers(widths)]
        var rest = node.attributes
        for name in ["pad", "pad_end", "auto_pad"] { rest[name] = nil }
        self.rest = rest
    }

    /// What the layer computes with where there are no data.
    private static func fill(_ node: NodeReader) throws -> Double? {
        switch node.node.op {
        case "Convolution": return 0
        case "Pooling":
            let pooling = try PoolingAttributes(node.attributes)
            guard pooling.convention == .valid else { return nil }
            switch pooling.kind {
            case .max: return -Double(Float.greatestFiniteMagnitude)
            case .avg: return pooling.countsPadding ? 0 : nil
            case .sum, .lp, .norm: return 0
            }
        default: return nil
        }
    }
}
