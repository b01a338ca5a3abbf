import TensorCore

extension ScatterElementsKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = try resultTypes(operands.map(\.type))[0].shape
        let axis = try shape.normalized(axes: [axis])[0]
        var strides = shape.strides
        let step = strides[axis], extent = shape[axis]
        strides[axis] = 0
        var elements = try operands[1].asInts().map { try IndexMode.fromEnd.resolve($0, extent: extent) * step }
        for (position, offset) in StridedOffsets(operands[1].shape, strides: strides).enumerated() {
            elements[position] += offset
        }
        return [try operands[0].scattering(operands[2], toBlocksAt: elements, ofElements: 1, reduction)]
    }
}

extension ScatterNDKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = try resultTypes(operands.map(\.type))[0].shape
        let blocks = try BlockIndices(operands[1], of: shape, batchAxes: 0, mode: .fromEnd)
        return [
            try operands[0].scattering(
                operands[2], toBlocksAt: blocks.starts, ofElements: blocks.elementCount, reduction)
        ]
    }
}

extension Tensor {
    /// A copy of this tensor into which the blocks of `updates` are written, the later over the earlier.
    func scattering(
        _ updates: Tensor, toBlocksAt starts: [Int], ofElements count: Int, _ reduction: ScatterReduction
    ) throws -> Tensor {
        if reduction == .none {
            let width = dataType.byteWidth
            return Tensor(dataType: dataType, shape: shape) { target in
                withBytes { target.copyMemory(from: $0) }
                updates.withBytes { source in
                    guard let from = source.baseAddress, let to = target.baseAddress else { return }
                    for (position, start) in starts.enumerated() {
                        (to + start * width).copyMemory(from: from + position * count * width, byteCount: count * width)
                    }
                }
            }
        }
        if dataType.isFloatingPoint {
            var values = doubles()
            reduction.combine(&values, updates.doubles(), starts, count)
            return Tensor(values, shape: shape).converted(to: dataType)
        }
        var values = asInts()
        switch reduction {
        case .add: Self.combine(&values, updates.asInts(), starts, count) { $0 &+ $1 }
        case .mul: Self.combine(&values, updates.asInts(), starts, count) { $0 &* $1 }
        case .max: Self.combine(&values, updates.asInts(), starts, count) { Swift.max($0, $1) }
        case .min: Self.combine(&values, updates.asInts(), starts, count) { Swift.min($0, $1) }
        case .none: break
        }
        return Tensor(wholeNumbers: values, type)
    }

    @inline(__always)
    fileprivate static func combine<Element>(
        _ values: inout [Element], _ updates: [Element], _ starts: [Int], _ count: Int,
        _ function: (Element, Element) -> Element
    ) {
        for (position, start) in starts.enumerated() {
            for element in 0..<count {
                values[start + element] = function(values[start + element], updates[position * count + element])
            }
        }
    }
}

extension ScatterReduction {
    fileprivate func combine(_ values: inout [Double], _ updates: [Double], _ starts: [Int], _ count: Int) {
        switch self {
        case .add: Tensor.combine(&values, updates, starts, count) { $0 + $1 }
        case .mul: Tensor.combine(&values, updates, starts, count) { $0 * $1 }
        case .max: Tensor.combine(&values, updates, starts, count) { Swift.max($0, $1) }
        case .min: Tensor.combine(&values, updates, starts, count) { Swift.min($0, $1) }
        case .none: break
        }
    }
}
