import TensorCore

/// Pooling of a N×C×spatial… source, float32, uint8 or int8; codes stay on their grid.
public struct PoolingKernel: Kernel, Hashable {
    /// Which of them.
    public enum Kind: Hashable, Sendable {
        case max
        /// Padding counts as zeros.
        case maxIncludingPadding
        /// Padding counts as zeros, but only up to `countedPadsEnd`.
        case averageIncludingPadding
        /// The mean of the elements under the window.
        case averageExcludingPadding
        case sum
        /// (Σ |x|^power)^(1/power), or, if not of magnitudes, of x itself; then the root has the sum's sign.
        case norm(power: Int, ofMagnitudes: Bool)
    }

    public static let name = "pooling"
    /// Which of them.
    public var kind: Kind
    /// Extents, one for each axis behind the channels.
    public var window: [Int]
    /// Steps in elements, one for each axis.
    public var strides: [Int]
    /// Distances between the elements of a window, one for each axis.
    public var dilations: [Int]
    /// Elements before the first, one for each axis.
    public var padsBegin: [Int]
    /// May be larger than the padding of the model, where the last window hangs over the end (`full` convention).
    public var padsEnd: [Int]
    /// How much of `padsEnd` is padding of the model; where a window hangs over that, an average does not count it.
    public var countedPadsEnd: [Int]

    /// - Parameters:
    ///   - kind: maximum, mean, sum or norm.
    ///   - window: extents of the window, one for each axis behind the channels; so are all that follow.
    ///   - strides: steps of the window, in elements.
    ///   - padsBegin: elements before the first.
    ///   - padsEnd: elements behind the last.
    ///   - dilations: 1, if it is nil.
    ///   - countedPadsEnd: all of `padsEnd`, if it is nil.
    public init(
        kind: Kind, window: [Int], strides: [Int], dilations: [Int]? = nil, padsBegin: [Int], padsEnd: [Int],
        countedPadsEnd: [Int]? = nil
    ) {
        self.kind = kind
        self.window = window
        self.strides = strides
        self.dilations = dilations ?? window.map { _ in 1 }
        self.padsBegin = padsBegin
        self.padsEnd = padsEnd
        self.countedPadsEnd = countedPadsEnd ?? padsEnd
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].shape.rank == window.count + 2 else {
            throw ModelError("a pooling over \(window.count) axes got \(operands)")
        }
        let source = operands[0].shape
        var extents: [Int] = []
        for axis in window.indices {
            let room = source[axis + 2] + padsBegin[axis] + padsEnd[axis] - reach(axis)
            guard room >= 0, strides[axis] > 0 else {
                throw ModelError("window \(reach(axis)) does not fit into \(source) with its padding")
            }
            extents.append(room / strides[axis] + 1)
        }
        return [TensorType(operands[0].dataType, try Shape(checking: [source[0], source[1]] + extents))]
    }

    /// From the first to the last element under the window.
    public func reach(_ axis: Int) -> Int { dilations[axis] * (window[axis] - 1) + 1 }

    /// Whether a window of some result lies in the padding as a whole.
    public func hasEmptyWindow(_ source: Shape, _ result: Shape) -> Bool {
        window.indices.contains { axis in
            let lastStart = (result[axis + 2] - 1) * strides[axis] - padsBegin[axis]
            return padsBegin[axis] >= reach(axis) || lastStart >= source[axis + 2]
        }
    }
}
