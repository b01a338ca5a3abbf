/// The extents of a dense tensor, outermost first. A scalar has no dimensions.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// Extents, outermost axis first.
    public let dimensions: [Int]
    /// The product of the dimensions; 1 for a scalar.
    public let elementCount: Int

    /// A shape of dimensions that are known to be sound, such as those that were computed from a sound shape.
    /// Dimensions that come from a file go through `init(checking:)`.
    public init(_ dimensions: [Int]) {
        self.dimensions = dimensions
        self.elementCount = dimensions.reduce(1, *)
    }

    /// `let shape: Shape = [1, 3, 224, 224]`
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// A shape of dimensions that nobody has checked yet.
    /// - Throws: `ModelError` for a negative dimension and for a product that leaves no room for the elements' bytes.
    public init(checking dimensions: [Int]) throws {
        // Without the zeros, so that strides cannot overflow either.
        var count = 1
        for dimension in dimensions {
            guard dimension >= 0 else {
                throw ModelError("shape (\(dimensions.commaSeparated)) has a negative dimension")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: max(dimension, 1))
            guard !overflow, product <= Int.max / 16 else {
                throw ModelError("shape (\(dimensions.commaSeparated)) has more elements than any memory holds")
            }
            count = product
        }
        self.init(dimensions)
    }

    /// The shape that all of them are repeated to, as NumPy does it: aligned at the last axis, an axis of extent 1 or
    /// none takes the extent of the others.
    /// - Throws: `ModelError` if two extents differ and neither is 1.
    public init(broadcasting shapes: [Shape]) throws {
        let rank = shapes.map(\.rank).max() ?? 0
        var extents = [Int](repeating: 1, count: rank)
        for shape in shapes {
            for (axis, extent) in zip(rank - shape.rank..<rank, shape.dimensions) where extent != 1 {
                guard extents[axis] == 1 || extents[axis] == extent else {
                    throw ModelError("shapes \(shapes.map(\.description).joined(separator: " and ")) do not broadcast")
                }
                extents[axis] = extent
            }
        }
        try self.init(checking: extents)
    }

    /// How many axes.
    public var rank: Int { dimensions.count }

    /// The extent along an axis, which has to be one of the shape.
    public subscript(axis: Int) -> Int { dimensions[axis] }

    /// Elements between neighbours along each axis, in row-major order.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * dimensions[axis + 1]
        }
        return strides
    }

    /// The axis that `axis` names, where -1 is the last one; nil if there is none.
    public func normalized(axis: Int) -> Int? {
        let index = axis < 0 ? axis + rank : axis
        return dimensions.indices.contains(index) ? index : nil
    }

    /// The same shape with another extent along one axis.
    public func replacing(axis: Int, with extent: Int) -> Shape {
        var copy = dimensions
        copy[axis] = extent
        return Shape(copy)
    }
}

extension Shape: CustomStringConvertible {
    /// `1×3×224×224`, or `scalar`.
    public var description: String {
        dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×")
    }
}

extension Array where Element: CustomStringConvertible {
    /// `1, 3, 224`
    public var commaSeparated: String { map(\.description).joined(separator: ", ") }
}
