import TensorCore

/// Maxima of windows, and where they are: int64 indices into the source, as one row of elements. Where windows hold
/// only padding, the index is −1.
public struct MaxIndexKernel: Kernel, Hashable {
    public static let name = "pooling with indices"
    /// Of the kind `max`.
    public var pooling: PoolingKernel
    /// Counts the elements of a plane along the first of its axes first.
    public var countsColumnsFirst: Bool

    public init(_ pooling: PoolingKernel, countsColumnsFirst: Bool = false) {
        self.pooling = pooling
        self.countsColumnsFirst = countsColumnsFirst
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let result = try pooling.resultTypes(operands)[0]
        return [result, TensorType(.int64, result.shape)]
    }
}

/// Puts elements back where `MaxIndexKernel` found them, among zeros. float32.
///
/// Operands: elements and int64 indices of one shape N×C×…; an index counts the elements of `pooled`, which may be
/// smaller than the result, as one row.
public struct MaxUnpoolKernel: Kernel, Hashable {
    public static let name = "unpooling"
    public var pooled: Shape
    public var result: Shape

    public init(pooled: Shape, result: Shape) {
        self.pooled = pooled
        self.result = result
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].dataType == .float32, operands[1].dataType == .int64,
            operands[0].shape == operands[1].shape, pooled.rank == result.rank,
            zip(pooled.dimensions, result.dimensions).allSatisfy({ $0 <= $1 })
        else { throw ModelError("an unpooling of \(operands) to \(result)") }
        return [TensorType(.float32, result)]
    }
}
