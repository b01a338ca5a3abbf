import TensorCore

/// One number for all elements along some axes, of float32 or of whole numbers; of these, what the type cannot hold becomes the nearest that it can.
public struct ReductionKernel: Kernel, Hashable {
    /// What is computed.
    public enum Operation: String, Sendable, CaseIterable {
        case sum, mean, product, maximum, minimum
        /// Σ|x|, √Σx², Σx².
        case absoluteSum, euclideanNorm, sumOfSquares
        /// log Σx, log Σexp(x). float32.
        case logSum, logSumExp
        /// NaN counts as 0, or as 1. float32.
        case sumSkippingNaN, productSkippingNaN
    }

    public static let name = "reduction"
    /// What is computed.
    public var operation: Operation
    /// The axes that it works over, counted from the outermost.
    public var axes: [Int]
    /// Leaves an axis of extent 1 where one was reduced.
    public var keepsAxes: Bool

    public init(_ operation: Operation, axes: [Int], keepsAxes: Bool) {
        self.operation = operation
        self.axes = axes
        self.keepsAxes = keepsAxes
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape
        let reduced = try source.normalized(axes: axes)
        return [TensorType(operands[0].dataType, source.removing(axes: reduced, keepsAxes: keepsAxes))]
    }
}

/// The index of the largest or smallest element along an axis, or among all elements. NaN is larger and smaller than
/// everything. Operands of any type.
public struct ArgReductionKernel: Kernel, Hashable {
    public static let name = "arg reduction"
    /// Looks for the largest instead of the smallest.
    public var findsLargest: Bool
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// The axis stays, with an extent of 1.
    public var keepsAxis: Bool
    /// Of several that are equal, the last one counts instead of the first.
    public var takesLast: Bool
    /// The type of the results.
    public var outputType: DataType

    public init(findsLargest: Bool, axis: Int, keepsAxis: Bool, takesLast: Bool = false, outputType: DataType) {
        self.findsLargest = findsLargest
        self.axis = axis
        self.keepsAxis = keepsAxis
        self.takesLast = takesLast
        self.outputType = outputType
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape
        let axes = try source.normalized(axes: [axis])
        guard axes.allSatisfy({ source[$0] > 0 }) else { throw ModelError("\(source) has no largest element") }
        return [TensorType(outputType, source.removing(axes: axes, keepsAxes: keepsAxis))]
    }
}

/// Sums of the elements up to each one, along an axis. float32 or whole numbers.
public struct CumulativeSumKernel: Kernel, Hashable {
    public static let name = "cumulative sum"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// The element itself is left out.
    public var isExclusive: Bool
    /// Sums from the end.
    public var isReversed: Bool

    public init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
        self.axis = axis
        self.isExclusive = isExclusive
        self.isReversed = isReversed
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        _ = try operands[0].shape.normalized(axes: [axis])
        return [operands[0]]
    }
}

extension Shape {
    /// The axes that are meant, each once, in order.
    /// - Throws: `ModelError` if there is no such axis.
    public func normalized(axes: [Int]) throws -> [Int] {
        Set(
            try axes.map { axis in
                guard let index = normalized(axis: axis) else { throw ModelError("\(self) has no axis \(axis)") }
                return index
            }
        ).sorted()
    }

    /// What is left when `axes` are reduced.
    func removing(axes: [Int], keepsAxes: Bool) -> Shape {
        Shape(dimensions.indices.compactMap { axes.contains($0) ? (keepsAxes ? 1 : nil) : dimensions[$0] })
    }

    /// The lines along an axis: where they begin and how far neighbours in a line are apart, in elements.
    func lines(along axis: Int) -> (starts: [Int], step: Int) {
        let step = strides[axis]
        return (Array(StridedOffsets(replacing(axis: axis, with: 1), strides: strides)), step)
    }
}
