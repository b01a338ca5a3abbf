import TensorCore

/// A kernel whose results have shapes that only the elements of its operands decide. It never becomes a step of a
/// program: whoever lowers a node evaluates it, once its operands are constants.
public protocol DataDependentKernel: Kernel {}

extension DataDependentKernel {
    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        throw ModelError("the shape of its result depends on data that is not known yet")
    }
}

/// The indices of all elements that are not zero: int64 rank×count, in row-major order.
public struct NonZeroKernel: DataDependentKernel, Hashable {
    public static let name = "non-zero"

    public init() {}
}

/// The slices along an axis, or without one the elements, for which a condition holds; the condition may be shorter.
/// Operands: source of any type, bool [count].
public struct CompressKernel: DataDependentKernel, Hashable {
    public static let name = "compress"
    /// The axis that it works along; nil for all elements in order.
    public var axis: Int?

    public init(axis: Int?) { self.axis = axis }
}

/// The different elements, or slices along an axis; where each first stood; which one each element was; how many there
/// were. Sorted, or in the order of their first places. Results: values, and three int64 vectors.
public struct UniqueKernel: DataDependentKernel, Hashable {
    public static let name = "unique"
    /// The axis that it works along; nil for all elements in order.
    public var axis: Int?
    /// Gives the elements in order, instead of as they come.
    public var isSorted: Bool

    public init(axis: Int?, isSorted: Bool) {
        self.axis = axis
        self.isSorted = isSorted
    }
}
