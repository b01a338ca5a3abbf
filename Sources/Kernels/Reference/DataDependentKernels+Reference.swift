import TensorCore

extension NonZeroKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = operands[0].shape, strides = shape.strides
        let places = operands[0].converted(to: .bool).withBytes { bytes in bytes.indices.filter { bytes[$0] != 0 } }
        let indices = shape.dimensions.indices.flatMap { axis in
            places.map { Int64($0 / strides[axis] % shape[axis]) }
        }
        return [Tensor(indices, shape: [shape.rank, places.count])]
    }
}

extension CompressKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let source = axis == nil ? operands[0].reshaped([operands[0].elementCount]) : operands[0]
        let axis = try source.shape.normalized(axes: [axis ?? 0])[0]
        let condition = operands[1].asInts()
        guard operands[1].shape.rank == 1, condition.count <= source.shape[axis] else {
            throw ModelError("a condition of \(operands[1].shape) does not fit \(source.shape)")
        }
        let kept = condition.indices.filter { condition[$0] != 0 }.map { Int64($0) }
        return try GatherKernel(axis: axis, mode: .raise).evaluate([source, Tensor(kept)])
    }
}

extension UniqueKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let source = axis == nil ? operands[0].reshaped([operands[0].elementCount]) : operands[0]
        let axis = try source.shape.normalized(axes: [axis ?? 0])[0]
        let values = source.doubles(), (starts, step) = source.shape.lines(along: axis)
        /// Slices are compared element by element.
        func order(_ a: Int, _ b: Int) -> Int {
            for start in starts {
                let (x, y) = (values[start + a * step], values[start + b * step])
                if x != y { return x < y ? -1 : 1 }
            }
            return 0
        }
        let sorted = (0..<source.shape[axis]).sorted { a, b in
            let order = order(a, b)
            return order < 0 || order == 0 && a < b
        }
        var groups: [[Int]] = []
        for index in sorted {
            if let first = groups.last?.first, order(first, index) == 0 {
                groups[groups.count - 1].append(index)
            } else {
                groups.append([index])
            }
        }
        if !isSorted { groups.sort { $0[0] < $1[0] } }
        var inverse = [Int64](repeating: 0, count: sorted.count)
        for (position, group) in groups.enumerated() { for index in group { inverse[index] = Int64(position) } }
        let first = Tensor(groups.map { Int64($0[0]) })
        let slices = try GatherKernel(axis: axis, mode: .raise).evaluate([source, first])
        return slices + [first, Tensor(inverse), Tensor(groups.map { Int64($0.count) })]
    }
}
