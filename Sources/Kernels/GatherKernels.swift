import TensorCore

/// What an index means that does not lie in 0..<extent. Indices that are not whole numbers are truncated first.
public enum IndexMode: String, Sendable, CaseIterable {
    /// The nearest one that does.
    case clip
    /// The remainder: −1 is the last one, and so is extent − 1 + extent.
    case wrap
    /// −1 is the last one; beyond −extent and extent − 1 it is an error.
    case fromEnd
    /// An error.
    case raise

    /// - Throws: `ModelError` if the axis has no such index.
    @inline(__always)
    public func resolve(_ index: Int, extent: Int) throws -> Int {
        if 0..<extent ~= index { return index }
        switch self {
        case .clip where extent > 0: return index < 0 ? 0 : extent - 1
        case .wrap where extent > 0: return (index % extent + extent) % extent
        case .fromEnd where -extent..<0 ~= index: return index + extent
        default: throw ModelError("index \(index) lies outside of an axis with \(extent) elements")
        }
    }
}

/// result[b…, p…, i…, q…] = source[b…, p…, indices[b…, i…], q…], where `axis` stands behind b… and p….
/// Operands: source of any type, indices of any type.
public struct GatherKernel: Kernel, Hashable {
    public static let name = "gather"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// The number of leading axes that source and indices share.
    public var batchAxes: Int
    /// What becomes of indices beyond the ends.
    public var mode: IndexMode

    public init(axis: Int, batchAxes: Int = 0, mode: IndexMode) {
        self.axis = axis
        self.batchAxes = batchAxes
        self.mode = mode
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape, indices = operands[1].shape
        guard let axis = source.normalized(axis: axis), 0...axis ~= batchAxes, batchAxes <= indices.rank,
            source.dimensions.prefix(batchAxes) == indices.dimensions.prefix(batchAxes)
        else {
            throw ModelError("indices \(indices) do not fit axis \(self.axis) of \(source)")
        }
        let extents =
            source.dimensions[..<axis] + indices.dimensions[batchAxes...] + source.dimensions[(axis + 1)...]
        return [TensorType(operands[0].dataType, try Shape(checking: Array(extents)))]
    }
}

/// result[…, i, …] = source[…, indices[…, i, …], …] along one axis. The indices have as many axes as the source; on
/// the other axes they may be shorter. Operands: source of any type, indices of any type.
public struct GatherElementsKernel: Kernel, Hashable {
    public static let name = "gather elements"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// What becomes of indices beyond the ends.
    public var mode: IndexMode

    public init(axis: Int, mode: IndexMode) {
        self.axis = axis
        self.mode = mode
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape, indices = operands[1].shape
        guard let axis = source.normalized(axis: axis), source.rank == indices.rank,
            source.dimensions.indices.allSatisfy({ $0 == axis || indices[$0] <= source[$0] })
        else { throw ModelError("indices \(indices) do not fit axis \(self.axis) of \(source)") }
        return [TensorType(operands[0].dataType, indices)]
    }
}

/// result[b…, i…, q…] = source[b…, indices[b…, i…, 0], …, indices[b…, i…, m − 1], q…].
/// Operands: source of any type, indices of any type.
public struct GatherNDKernel: Kernel, Hashable {
    public static let name = "gather n-d"
    public var batchAxes: Int
    /// What becomes of indices beyond the ends.
    public var mode: IndexMode

    public init(batchAxes: Int = 0, mode: IndexMode) {
        self.batchAxes = batchAxes
        self.mode = mode
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape, indices = operands[1].shape
        guard let depth = indices.dimensions.last, 0..<indices.rank ~= batchAxes, depth <= source.rank - batchAxes,
            source.dimensions.prefix(batchAxes) == indices.dimensions.prefix(batchAxes)
        else { throw ModelError("indices \(indices) do not fit \(source)") }
        let extents = indices.dimensions.dropLast() + source.dimensions[(batchAxes + depth)...]
        return [TensorType(operands[0].dataType, try Shape(checking: Array(extents)))]
    }
}
