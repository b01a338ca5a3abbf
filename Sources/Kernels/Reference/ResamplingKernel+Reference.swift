import TensorCore

// Seen from one axis, a tensor is outer × extent × inner.

extension ResamplingKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        var tensor = operands[0]
        for (axis, table) in axes.enumerated() {
            guard let table else { continue }
            tensor = table.isSelection ? select(tensor, axis, table) : mix(tensor, axis, table)
        }
        return [tensor]
    }

    private func select(_ tensor: Tensor, _ axis: Int, _ table: ResamplingAxis) -> Tensor {
        let source = tensor.shape[axis], rowBytes = tensor.shape.strides[axis] * tensor.dataType.byteWidth
        let outer = tensor.shape.dimensions[..<axis].reduce(1, *)
        let shape = tensor.shape.replacing(axis: axis, with: table.extent)
        return Tensor(dataType: tensor.dataType, shape: shape) { target in
            tensor.withBytes { bytes in
                guard var to = target.baseAddress, let from = bytes.baseAddress else { return }
                for block in 0..<outer {
                    for index in table.indices {
                        to.copyMemory(from: from + (block * source + index) * rowBytes, byteCount: rowBytes)
                        to += rowBytes
                    }
                }
            }
        }
    }

    private func mix(_ tensor: Tensor, _ axis: Int, _ table: ResamplingAxis) -> Tensor {
        let source = tensor.shape[axis], inner = tensor.shape.strides[axis]
        let outer = tensor.shape.dimensions[..<axis].reduce(1, *)
        let values = tensor.floats()
        var results = [Float](repeating: outside, count: outer * table.extent * inner)
        results.withUnsafeMutableBufferPointer { results in
            for block in 0..<outer {
                for result in 0..<table.extent where table.starts[result] < table.starts[result + 1] {
                    let to = (block * table.extent + result) * inner
                    for column in to..<to + inner { results[column] = 0 }
                    for tap in table.starts[result]..<table.starts[result + 1] {
                        let from = (block * source + table.indices[tap]) * inner
                        let weight = table.weights[tap]
                        for column in 0..<inner { results[to + column] += weight * values[from + column] }
                    }
                }
            }
        }
        return Tensor(results, shape: tensor.shape.replacing(axis: axis, with: table.extent))
    }
}
