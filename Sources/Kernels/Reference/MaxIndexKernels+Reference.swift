import TensorCore

extension MaxIndexKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let slide = try SlidingWindow(
            source: operands[0].shape, result: type.shape, window: pooling.window, strides: pooling.strides,
            dilations: pooling.dilations, padsBegin: pooling.padsBegin)
        let source = operands[0].floats()
        var maxima = [Float](repeating: -.greatestFiniteMagnitude, count: type.shape.elementCount)
        var indices = [Int64](repeating: -1, count: maxima.count)
        let stride = slide.width.stride
        for plane in 0..<type.shape[0] * type.shape[1] {
            let (sources, results) = (plane * slide.sourceCount, plane * slide.resultCount)
            slide.forEachRow { _, from, to, count in
                for index in 0..<count {
                    let position = from + index * stride, result = results + to + index
                    if source[sources + position] > maxima[result] || indices[result] < 0 {
                        maxima[result] = source[sources + position]
                        indices[result] = Int64(sources + (countsColumnsFirst ? transposed(position, slide) : position))
                    }
                }
            }
        }
        return [
            try Tensor(rounding: maxima, to: type.dataType, shape: type.shape), Tensor(indices, shape: type.shape),
        ]
    }

    /// depth + height · depths + width · depths · heights
    private func transposed(_ position: Int, _ slide: SlidingWindow) -> Int {
        let (row, width) = position.quotientAndRemainder(dividingBy: slide.width.source)
        let (depth, height) = row.quotientAndRemainder(dividingBy: slide.height.source)
        return (width * slide.height.source + height) * slide.depth.source + depth
    }
}

extension MaxUnpoolKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let strides = result.strides, pooledStrides = pooled.strides
        var values = [Float](repeating: 0, count: result.elementCount)
        for (value, index) in zip(operands[0].floats(), operands[1].elements(as: Int64.self)) {
            guard 0..<Int64(pooled.elementCount) ~= index else {
                throw ModelError("index \(index) is outside of \(pooled)")
            }
            var rest = Int(index), target = 0
            for axis in 0..<pooled.rank {
                let (coordinate, remainder) = rest.quotientAndRemainder(dividingBy: pooledStrides[axis])
                target += coordinate * strides[axis]
                rest = remainder
            }
            values[target] = value
        }
        return [Tensor(values, shape: result)]
    }
}
