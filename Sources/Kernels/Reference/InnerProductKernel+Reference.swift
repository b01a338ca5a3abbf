import TensorCore

// result[n, o] = stage(Σ over k: weights[o, k] · source[n, k])

extension InnerProductKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        return operands[0].dataType == .float32
            ? [try multiply(operands, type.shape, in: Double.self)]
            : [try multiply(operands, type.shape, in: WrappingInt32.self)]
    }

    private func multiply<Sum: Accumulator>(_ operands: [Tensor], _ shape: Shape, in: Sum.Type) throws -> Tensor {
        let source = try Sum.widening(operands[0], "source"), weights = try Sum.widening(operands[1], "weights")
        let depth = operands[1].shape[1]
        var sums = [Sum](repeating: .zero, count: shape.elementCount)
        source.withUnsafeBufferPointer { source in
            weights.withUnsafeBufferPointer { weights in
                guard let source = source.baseAddress, let weights = weights.baseAddress else { return }
                for index in sums.indices {
                    let (row, output) = index.quotientAndRemainder(dividingBy: shape[1])
                    sums[index] = Sum.dot(source + row * depth, weights + output * depth, count: depth)
                }
            }
        }
        return try stage.finish(
            sums, bias: stage.bias(of: operands), residual: stage.residual(of: operands), shape: shape)
    }
}
