import GraphIR
import Kernels
import TensorCore

/// Maximum or average over a window (src/operator/nn/pooling.cc). Works on float and, keeping the grid, on codes.
struct Pooling: OperatorDefinition {
    let name = "Pooling"
    let summary = "max and average pooling, windowed or global"
    let mxnet: MXNetForm? = MXNetForm("Pooling", quantized: "_contrib_quantized_pooling")
    let quantization = QuantizationRule.passThrough

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        let shape = try type.shape.map { shape in
            try kernel(node, shape).resultTypes([TensorType(.float32, shape)])[0].shape
        }
        return [ValueType(type.dataType, shape, quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let kernel = try kernel(node, lowering.type(of: source).shape)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: source.codes))
    }

    private enum Kind: String, CaseIterable { case max, avg, sum, lp }
    private enum Convention: String, CaseIterable { case valid, full, same }

    private func kernel(_ node: NodeReader, _ source: Shape) throws -> PoolingKernel {
        let attributes = node.attributes
        let rank = source.rank - 2
        guard rank >= 1 else { throw ModelError("data of shape \(source) has no spatial axes") }
        let countsPadding = try attributes.boolean("count_include_pad") ?? true
        let kind: PoolingKernel.Kind = switch try attributes.choice("pool_type", default: Kind.max) {
        case .max: .max
        case .avg: countsPadding ? .averageIncludingPadding : .averageExcludingPadding
        case .sum, .lp: throw ModelError("pool_type=\(attributes.text("pool_type") ?? "") is not supported yet")
        }
        if try attributes.boolean("global_pool") ?? false {
            let none = [Int](repeating: 0, count: rank), ones = [Int](repeating: 1, count: rank)
            return PoolingKernel(
                kind: kind, window: Array(source.dimensions.dropFirst(2)), strides: ones, padsBegin: none, padsEnd: none)
        }
        guard let window = try attributes.integers("kernel"), window.count == rank, window.allSatisfy({ $0 > 0 }) else {
            throw ModelError("kernel is missing or does not fit data of shape \(source)")
        }
        func spatial(_ name: String, _ fallback: Int) throws -> [Int] {
            let values = try attributes.integers(name) ?? []
            guard values.isEmpty || values.count == rank else { throw ModelError("\(name) does not fit the kernel") }
            return values.isEmpty ? [Int](repeating: fallback, count: rank) : values
        }
        let strides = try spatial("stride", 1), pads = try spatial("pad", 0)
        var padsEnd = try attributes["pad_end"] == nil ? pads : spatial("pad_end", 0)
        guard strides.allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 }) else {
            throw ModelError("stride or pad is out of range")
        }
        switch try attributes.choice("pooling_convention", default: Convention.valid) {
        case .valid: break
        case .full:
            // The last window may hang over the end: ceil instead of floor.
            for axis in 0..<rank {
                let room = source[axis + 2] + 2 * pads[axis] - window[axis]
                let excess = room >= 0 ? room % strides[axis] : 0
                if excess > 0 { padsEnd[axis] += strides[axis] - excess }
            }
        case .same: throw ModelError("pooling_convention=same is not supported yet")
        }
        return PoolingKernel(kind: kind, window: window, strides: strides, padsBegin: pads, padsEnd: padsEnd)
    }
}
