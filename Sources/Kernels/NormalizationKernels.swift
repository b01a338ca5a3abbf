import TensorCore

/// Brings the elements along consecutive axes to a common size. float32.
///
///     standard:    y = (x − mean) / √(mean((x − mean)²) + epsilon)
///     rootMeanSquare: y = x / √(mean(x²) + epsilon)
///     euclidean:   y = x / √(Σ x² + epsilon)
///     absoluteSum: y = x / Σ |x|                                     (0 where the sum is 0)
///
/// Results: y; if `givesStatistics`, the mean and √(variance + epsilon), with extent 1 along the axes.
public struct NormalizationKernel: Kernel, Hashable {
    /// What elements are divided by.
    public enum Measure: String, Sendable { case standard, rootMeanSquare, euclidean, absoluteSum }

    public static let name = "normalization"
    /// What elements are divided by.
    public var measure: Measure
    /// The axes that it works over.
    public var axes: Range<Int>
    /// Added below the root, so that nothing is divided by 0.
    public var epsilon: Float
    /// Gives mean and deviation, too.
    public var givesStatistics: Bool

    public init(_ measure: Measure, axes: Range<Int>, epsilon: Float, givesStatistics: Bool = false) {
        self.measure = measure
        self.axes = axes
        self.epsilon = epsilon
        self.givesStatistics = givesStatistics
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].dataType == .float32, !axes.isEmpty, axes.lowerBound >= 0,
            axes.upperBound <= operands[0].shape.rank
        else { throw ModelError("a normalization along axes \(axes) got \(operands)") }
        guard givesStatistics else { return operands }
        var extents = operands[0].shape.dimensions
        for axis in axes { extents[axis] = 1 }
        let statistic = TensorType(.float32, Shape(extents))
        return [operands[0], statistic, statistic]
    }
}

/// y = x / (bias + alpha / size · Σ x²)^beta, over `size` neighbouring channels of a N×C×… source. float32.
/// The size is odd.
public struct LocalResponseKernel: Kernel, Hashable {
    public static let name = "local response normalization"
    public var size: Int
    /// The first coefficient of the formula.
    public var alpha: Float
    /// The second coefficient of the formula.
    public var beta: Float
    public var bias: Float

    public init(size: Int, alpha: Float, beta: Float, bias: Float) {
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].dataType == .float32, operands[0].shape.rank >= 2, size > 0,
            size % 2 == 1
        else { throw ModelError("a local response normalization over \(size) channels got \(operands)") }
        return operands
    }
}
