import TensorCore

// Elements are moved as bytes: their type does not matter.

extension GatherKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].shape
        guard let axis = source.normalized(axis: axis) else { throw ModelError("\(source) has no axis \(self.axis)") }
        let extent = source[axis]
        let indices = try operands[1].asInts().map { try mode.resolve($0, extent: extent) }
        let batches = source.dimensions[..<batchAxes].reduce(1, *)
        let outer = source.dimensions[batchAxes..<axis].reduce(1, *)
        let rowBytes = source.dimensions[(axis + 1)...].reduce(1, *) * type.dataType.byteWidth
        let count = batches == 0 ? 0 : indices.count / batches
        return [
            operands[0].withBytes { source in
                Tensor(dataType: type.dataType, shape: type.shape) { target in
                    guard let from = source.baseAddress, var to = target.baseAddress, target.count > 0 else { return }
                    for block in 0..<batches * outer {
                        let first = block / outer * count
                        for position in first..<first + count {
                            let row = block * extent + indices[position]
                            to.copyMemory(from: from + row * rowBytes, byteCount: rowBytes)
                            to += rowBytes
                        }
                    }
                }
            }
        ]
    }
}

extension GatherElementsKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].shape
        guard let axis = source.normalized(axis: axis) else { throw ModelError("\(source) has no axis \(self.axis)") }
        var strides = source.strides
        let step = strides[axis], extent = source[axis]
        strides[axis] = 0
        let offsets = StridedOffsets(type.shape, strides: strides)
        var elements = try operands[1].asInts().map { try mode.resolve($0, extent: extent) * step }
        for (position, offset) in offsets.enumerated() { elements[position] += offset }
        return [operands[0].gatheringBlocks(at: elements, ofElements: 1, shape: type.shape)]
    }
}

extension GatherNDKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let blocks = try BlockIndices(
            operands[1], of: operands[0].shape, batchAxes: batchAxes, mode: mode)
        return [operands[0].gatheringBlocks(at: blocks.starts, ofElements: blocks.elementCount, shape: type.shape)]
    }
}

/// Where the blocks begin that tuples of indices name, the tuples being the last axis of a tensor.
struct BlockIndices {
    /// In elements of the indexed tensor.
    let starts: [Int]
    /// Of one block.
    let elementCount: Int

    init(_ indices: Tensor, of shape: Shape, batchAxes: Int, mode: IndexMode) throws {
        let depth = indices.shape.dimensions.last ?? 0
        let values = indices.asInts(), strides = shape.strides
        let extents = shape.dimensions[batchAxes..<batchAxes + depth]
        let tuples = indices.shape.dimensions.dropLast().reduce(1, *)
        let batches = shape.dimensions[..<batchAxes].reduce(1, *)
        let batchSize = shape.dimensions[batchAxes...].reduce(1, *)
        let tuplesPerBatch = max(batches == 0 ? 0 : tuples / batches, 1)
        elementCount = shape.dimensions[(batchAxes + depth)...].reduce(1, *)
        starts = try (0..<tuples).map { tuple in
            var start = tuple / tuplesPerBatch * batchSize
            for (position, extent) in extents.enumerated() {
                let index = try mode.resolve(values[tuple * depth + position], extent: extent)
                start += index * strides[batchAxes + position]
            }
            return start
        }
    }
}

extension Tensor {
    /// A tensor of blocks of this one, which begin at the elements `starts`.
    func gatheringBlocks(at starts: [Int], ofElements count: Int, shape: Shape) -> Tensor {
        let width = dataType.byteWidth
        return withBytes { source in
            Tensor(dataType: dataType, shape: shape) { target in
                guard let from = source.baseAddress, let to = target.baseAddress, target.count > 0 else { return }
                for (position, start) in starts.enumerated() {
                    (to + position * count * width).copyMemory(from: from + start * width, byteCount: count * width)
                }
            }
        }
    }
}

/// The offsets of the elements of `shape`, in row-major order, in memory with other strides: counts like an odometer.
struct StridedOffsets: Sequence, IteratorProtocol {
    private let extents: [Int]
    private let strides: [Int]
    private var position: [Int]
    private var offset = 0
    private var remaining: Int

    init(_ shape: Shape, strides: [Int]) {
        extents = shape.dimensions
        self.strides = strides
        position = [Int](repeating: 0, count: shape.rank)
        remaining = shape.elementCount
    }

    mutating func next() -> Int? {
        guard remaining > 0 else { return nil }
        remaining -= 1
        let current = offset
        for axis in position.indices.reversed() {
            position[axis] += 1
            offset += strides[axis]
            if position[axis] < extents[axis] { break }
            offset -= extents[axis] * strides[axis]
            position[axis] = 0
        }
        return current
    }
}
