import TensorCore

/// The largest or smallest elements along an axis, best first, and where they were; of equal ones the first comes first.
/// Results: values of the operand's type, indices. NaN counts as larger than everything.
public struct TopKKernel: Kernel, Hashable {
    public static let name = "top k"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// How many are taken.
    public var count: Int
    /// Takes the largest instead of the smallest.
    public var isLargest: Bool
    /// The type of the positions.
    public var indexType: DataType

    public init(axis: Int, count: Int, isLargest: Bool, indexType: DataType) {
        self.axis = axis
        self.count = count
        self.isLargest = isLargest
        self.indexType = indexType
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape
        let axis = try source.normalized(axes: [axis])[0]
        guard 0...source[axis] ~= count else {
            throw ModelError("\(count) elements are wanted of an axis with \(source[axis])")
        }
        let shape = source.replacing(axis: axis, with: count)
        return [TensorType(operands[0].dataType, shape), TensorType(indexType, shape)]
    }
}

/// `on` where the position along a new axis is the index, `off` elsewhere; all `off` for an index outside of it.
/// Operands: indices of any type, and a tensor [off, on], which says the type of the result.
public struct OneHotKernel: Kernel, Hashable {
    public static let name = "one hot"
    /// Where the new axis stands in the result; −1 is the last place.
    public var axis: Int
    /// The extent of the new axis.
    public var depth: Int
    /// −1 means the last position.
    public var countsFromEnd: Bool

    public init(axis: Int, depth: Int, countsFromEnd: Bool) {
        self.axis = axis
        self.depth = depth
        self.countsFromEnd = countsFromEnd
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        var dimensions = operands[0].shape.dimensions
        let place = axis < 0 ? axis + dimensions.count + 1 : axis
        guard 0...dimensions.count ~= place, depth >= 0, operands[1].shape == [2] else {
            throw ModelError("one-hot vectors of \(operands) along axis \(axis) are not possible")
        }
        dimensions.insert(depth, at: place)
        return [TensorType(operands[1].dataType, try Shape(checking: dimensions))]
    }
}

/// Sequences of different lengths in one tensor. Operands: source of any type, T×B×… or, with `axis` 1, B×T×…; lengths
/// [B] of any type.
public struct SequenceKernel: Kernel, Hashable {
    /// What is computed.
    public enum Operation: Hashable, Sendable {
        /// What lies behind a sequence's end becomes `value`.
        case mask(value: Float)
        /// The last element of each sequence: B×….
        case last
        /// Each sequence from its end to its beginning; what lies behind it stays.
        case reverse
    }

    public static let name = "sequence"
    /// What is computed.
    public var operation: Operation
    /// The axis that it works along, counted from the outermost.
    public var axis: Int

    public init(_ operation: Operation, axis: Int) {
        self.operation = operation
        self.axis = axis
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape
        guard source.rank >= 2, 0...1 ~= axis, operands[1].shape == [source[1 - axis]] else {
            throw ModelError("sequences \(source) along axis \(axis) do not fit lengths \(operands[1].shape)")
        }
        guard operation == .last else { return [operands[0]] }
        return [
            TensorType(
                operands[0].dataType, Shape(Array(source.dimensions[..<axis] + source.dimensions[(axis + 1)...])))
        ]
    }
}
