import GraphIR
import Kernels
import TensorCore

/// The attributes of MXNet's Pooling (src/operator/nn/pooling-inl.h, PoolingParam).
///
/// Beyond them, the graph knows `dilate`, `pad_end` and `auto_pad` of `WindowAttributes`, and the convention `ceil`, which
/// is ONNX's: `full`, but without the windows that begin behind the data and their padding; and the kind `norm`, ONNX's
/// LpPool, which takes magnitudes where MXNet's `lp` takes the elements as they are.
struct PoolingAttributes {
    enum Kind: String, CaseIterable { case max, avg, sum, lp, norm }
    enum Convention: String, CaseIterable { case valid, full, same, ceil }

    var kind: Kind
    var isGlobal: Bool
    /// nil for global pooling, whose kernel does not count.
    var window: WindowAttributes?
    var convention: Convention
    var countsPadding: Bool
    /// Of the kinds `lp` and `norm`.
    var power: Int

    init(_ attributes: Attributes) throws {
        kind = try attributes.choice("pool_type", default: Kind.max)
        isGlobal = try attributes.boolean("global_pool") ?? false
        convention = try attributes.choice("pooling_convention", default: Convention.valid)
        countsPadding = try attributes.boolean("count_include_pad") ?? true
        power = try attributes.integer("p_value") ?? 2
        guard 1...(kind == .lp ? 3 : 64) ~= power else { throw ModelError("p_value=\(power) is out of range") }
        try WindowAttributes.checkLayout(attributes)
        if !isGlobal { window = try WindowAttributes(attributes) }
    }

    var kernelKind: PoolingKernel.Kind {
        switch kind {
        case .max: .max
        case .avg: countsPadding ? .averageIncludingPadding : .averageExcludingPadding
        case .sum: .sum
        case .lp: power == 1 ? .sum : .norm(power: power, ofMagnitudes: power == 2)
        case .norm: .norm(power: power, ofMagnitudes: true)
        }
    }

    /// The kernel for data of a shape.
    func kernel(over source: Shape) throws -> PoolingKernel {
        let rank = source.rank - 2
        guard rank >= 1 else { throw ModelError("data of shape \(source) has no spatial axes") }
        guard let window = try window?.resolved(over: source) else {
            let none = [Int](repeating: 0, count: rank), ones = [Int](repeating: 1, count: rank)
            return PoolingKernel(
                kind: kernelKind, window: Array(source.dimensions.dropFirst(2)), strides: ones, padsBegin: none,
                padsEnd: none)
        }
        var padsEnd = window.padsEnd
        for axis in 0..<rank {
            let extent = source[axis + 2], stride = window.strides[axis]
            // The last window may hang over the end.
            let room = extent + window.pads[axis] + window.padsEnd[axis] - window.reach(axis)
            switch convention {
            case .valid: break
            case .full, .ceil:
                guard room >= 0, room % stride > 0 else { continue }
                let lastStart = (room / stride + 1) * stride
                if convention == .ceil, lastStart >= extent + window.pads[axis] { continue }
                padsEnd[axis] += stride - room % stride
            case .same:
                guard rank == 1, window.pads == [0] else {
                    throw ModelError("pooling_convention=same is for one axis without padding only")
                }
                padsEnd[axis] = max((extent - 1) / stride * stride + window.reach(axis) - extent, 0)
            }
        }
        return PoolingKernel(
            kind: kernelKind, window: window.kernel, strides: window.strides, dilations: window.dilations,
            padsBegin: window.pads, padsEnd: padsEnd, countedPadsEnd: window.padsEnd)
    }

    /// What MXNet's attributes are for a node.
    /// - Throws: `ModelError` for a window that MXNet cannot say.
    static func mxnetAttributes(_ node: NodeReader) throws -> Attributes {
        let pooling = try PoolingAttributes(node.attributes)
        guard pooling.kind != .norm else {
            throw ModelError("MXNet has no pooling for the norm of power \(pooling.power)", at: node.place)
        }
        guard let window = pooling.window else { return node.attributes }
        guard window.dilations.allSatisfy({ $0 == 1 }) else {
            throw ModelError("MXNet has no dilated pooling", at: node.place)
        }
        var attributes = try WindowAttributes.mxnetAttributes(node)
        attributes["dilate"] = nil
        guard pooling.convention == .ceil else { return attributes }
        let shape = try node.shape(0)
        var full = pooling
        full.convention = .full
        guard try full.kernel(over: shape) == pooling.kernel(over: shape) else {
            throw ModelError("MXNet would add a window that lies behind the data", at: node.place)
        }
        attributes["pooling_convention"] = .text("full")
        return attributes
    }
}
