import TensorCore

/// Which elements along an axis the results are mixed from, and how much of each:
///
///     result[r] = Σ weights[t] · source[indices[t]]   over t in starts[r]..<starts[r + 1]
///
/// A result without any taps lies outside.
public struct ResamplingAxis: Hashable, Sendable {
    public private(set) var starts: [Int] = [0]
    public private(set) var indices: [Int] = []
    public private(set) var weights: [Float] = []

    public init() {}

    /// Appends a result.
    /// - Parameter taps: index of an element, and its weight.
    public mutating func append(_ taps: [(index: Int, weight: Float)]) {
        for tap in taps where tap.weight != 0 || taps.count == 1 {
            indices.append(tap.index)
            weights.append(tap.weight)
        }
        starts.append(indices.count)
    }

    /// How many results there are.
    public var extent: Int { starts.count - 1 }

    /// Every result is one of the elements: nothing is computed.
    public var isSelection: Bool { indices.count == extent && weights.allSatisfy { $0 == 1 } && !hasOutside }

    var hasOutside: Bool { (0..<extent).contains { starts[$0] == starts[$0 + 1] } }
}

/// Each axis resampled by its table, one after the other: every separable kind of resizing. float32; any type where all
/// axes are selections.
public struct ResamplingKernel: Kernel, Hashable {
    public static let name = "resampling"
    /// One for each axis of the source; nil where it stays as it is.
    public var axes: [ResamplingAxis?]
    /// The result outside.
    public var outside: Float

    public init(axes: [ResamplingAxis?], outside: Float = 0) {
        self.axes = axes
        self.outside = outside
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].shape.rank == axes.count else {
            throw ModelError("a resampling of \(axes.count) axes got \(operands)")
        }
        let source = operands[0].shape
        for (axis, table) in axes.enumerated() {
            guard let table else { continue }
            guard table.indices.allSatisfy({ 0..<source[axis] ~= $0 }) else {
                throw ModelError("a resampling of \(source) reaches beyond axis \(axis)")
            }
        }
        guard operands[0].dataType == .float32 || axes.allSatisfy({ $0?.isSelection ?? true }) else {
            throw ModelError("\(operands[0].dataType) cannot be interpolated")
        }
        let extents = source.dimensions.indices.map { axes[$0]?.extent ?? source[$0] }
        return [TensorType(operands[0].dataType, try Shape(checking: extents))]
    }
}
