import TensorCore

extension ScaledMultiplyKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = try resultTypes(operands.map(\.type))[0].shape
        let products = zip(operands[0].floats(), operands[1].floats()).map { $0 * $1 * scale }
        switch (outputType, rounding) {
        case (.float32, _): return [Tensor(products, shape: shape)]
        case (.int8, .cast): return [Tensor(products.map { Int8(truncatingIfNeeded: $0.cast) }, shape: shape)]
        case (.int32, .cast): return [Tensor(products.map(\.cast), shape: shape)]
        default: return [try Tensor(rounding: products, to: outputType, shape: shape)]
        }
    }
}

extension Float {
    /// x86's conversion to int32: towards zero; what does not fit becomes the smallest number.
    fileprivate var cast: Int32 { Int32(exactly: rounded(.towardZero)) ?? .min }
}
