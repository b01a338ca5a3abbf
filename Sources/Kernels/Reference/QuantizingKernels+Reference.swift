import TensorCore

extension QuantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shift = Float(zeroPoint)
        // The zero point is added after rounding, as ONNX defines it: with an odd one, ties would go the other way.
        let codes = operands[0].floats().map { ($0 * factor).rounded(.toNearestOrEven) + shift }
        return [try Tensor(rounding: codes, to: outputType, shape: operands[0].shape)]
    }
}

extension DequantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shift = Float(zeroPoint)
        return [Tensor(operands[0].floats().map { ($0 - shift) * factor }, shape: operands[0].shape)]
    }
}
