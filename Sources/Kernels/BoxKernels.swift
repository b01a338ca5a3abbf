import TensorCore

/// How four numbers are a box.
public enum BoxFormat: String, Sendable, CaseIterable {
    /// left, top, right, bottom
    case corner
    /// x and y of the centre, width, height
    case center
}

/// A box by its corners, with the areas that MXNet gives to boxes that are turned inside out.
struct Box {
    var left, top, right, bottom: Float
    /// Width · height as the format has them, 0 if one is negative.
    let area: Float

    /// From four elements that begin at `start`.
    @inline(__always)
    init(_ elements: [Float], at start: Int = 0, _ format: BoxFormat) {
        let (a, b, c, d) = (elements[start], elements[start + 1], elements[start + 2], elements[start + 3])
        switch format {
        case .corner:
            (left, top, right, bottom) = (a, b, c, d)
            area = c - a < 0 || d - b < 0 ? 0 : (c - a) * (d - b)
        case .center:
            (left, top, right, bottom) = (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
            area = c < 0 || d < 0 ? 0 : c * d
        }
    }

    @inline(__always)
    func intersection(_ other: Box) -> Float {
        let width = min(right, other.right) - max(left, other.left)
        let height = min(bottom, other.bottom) - max(top, other.top)
        return max(width, 0) * max(height, 0)
    }
}

/// Intersection over union of each box of a…×4 with each of b…×4 → a…×b…; 0 for boxes that do not meet.
public struct BoxOverlapKernel: Kernel, Hashable {
    public static let name = "box overlap"
    /// How the four numbers of a box are meant.
    public var format: BoxFormat

    public init(_ format: BoxFormat) { self.format = format }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands.allSatisfy({ $0.shape.rank >= 2 && $0.shape.dimensions.last == 4 }) else {
            throw ModelError("\(operands) are not lists of boxes")
        }
        return [TensorType(.float32, try Shape(checking: operands.flatMap { $0.shape.dimensions.dropLast() }))]
    }
}

/// Boxes from anchors and what a network says of them, B×N×4 and 1×N×4 → B×N×4 by corners.
///
///     centre = prediction · deviation · size of the anchor + centre of the anchor
///     size = exp(min(prediction · deviation, clip)) · size of the anchor
public struct BoxDecodeKernel: Kernel, Hashable {
    public static let name = "box decode"
    /// What the four differences between boxes are divided by.
    public var deviations: [Float]
    public var clip: Float?
    /// Of the anchors.
    public var format: BoxFormat

    public init(deviations: [Float], clip: Float?, format: BoxFormat) {
        self.deviations = deviations
        self.clip = clip
        self.format = format
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, deviations.count == 4, operands[0].shape.rank == 3, operands[0].shape[2] == 4,
            operands[1].shape == [1, operands[0].shape[1], 4]
        else { throw ModelError("boxes and anchors of \(operands) do not fit each other") }
        return [TensorType(.float32, operands[0].shape)]
    }
}

/// What `BoxDecodeKernel` would need to give the matched boxes: samples B×N, matches B×N, anchors B×N×4,
/// references B×M×4, means 4, deviations 4 → targets B×N×4, and a mask that is 1 where a sample is positive.
public struct BoxEncodeKernel: Kernel, Hashable {
    public static let name = "box encode"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let shapes = operands.map(\.shape)
        guard shapes.count == 6, shapes[0].rank == 2, shapes[1] == shapes[0],
            shapes[2] == Shape(shapes[0].dimensions + [4]), shapes[3].rank == 3, shapes[3][0] == shapes[0][0],
            shapes[3][2] == 4, shapes[4] == [4], shapes[5] == [4]
        else { throw ModelError("samples, matches and boxes of \(operands) do not fit each other") }
        let result = TensorType(.float32, shapes[2])
        return [result, result]
    }
}

/// Pairs rows and columns of …×N×M scores, the best first, each only once → the column of each row …×N, the row of each
/// column …×M; −1 where there is none.
public struct BipartiteMatchingKernel: Kernel, Hashable {
    public static let name = "bipartite matching"
    /// The smallest score is the best.
    public var isAscending: Bool
    /// Scores that are not better are not matched.
    public var threshold: Float
    /// At most so many; nil for all.
    public var limit: Int?

    public init(isAscending: Bool, threshold: Float, limit: Int?) {
        self.isAscending = isAscending
        self.threshold = threshold
        self.limit = limit
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let dimensions = operands[0].shape.dimensions
        guard dimensions.count >= 2 else { throw ModelError("\(operands[0]) is not a matrix of scores") }
        let batch = dimensions.dropLast(2)
        return [dimensions[dimensions.count - 2], dimensions[dimensions.count - 1]].map {
            TensorType(.float32, Shape(batch + [$0]))
        }
    }
}

/// What anchors are to learn of labelled boxes (src/operator/contrib/multibox_target.cc): anchors 1×N×4, labels B×L×W
/// (class and corners; −1 ends them), class predictions B×C×N → box targets B×4N, their mask B×4N, classes B×N.
public struct MultiBoxTargetKernel: Kernel, Hashable {
    public static let name = "multibox target"
    /// Boxes that overlap by more than this share of their union count as the same.
    public var overlapThreshold: Float
    public var ignoreLabel: Float
    public var negativeMiningRatio: Float
    public var negativeMiningThreshold: Float
    /// What the four differences between boxes are multiplied with.
    public var variances: [Float]

    public init(
        overlapThreshold: Float, ignoreLabel: Float, negativeMiningRatio: Float, negativeMiningThreshold: Float,
        variances: [Float]
    ) {
        self.overlapThreshold = overlapThreshold
        self.ignoreLabel = ignoreLabel
        self.negativeMiningRatio = negativeMiningRatio
        self.negativeMiningThreshold = negativeMiningThreshold
        self.variances = variances
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let shapes = operands.map(\.shape)
        guard shapes.count == 3, variances.count == 4, shapes.allSatisfy({ $0.rank == 3 }), shapes[0][0] == 1,
            shapes[0][2] == 4, shapes[1][2] >= 5, shapes[2][0] == shapes[1][0], shapes[2][1] >= 1,
            shapes[2][2] == shapes[0][1]
        else { throw ModelError("anchors, labels and predictions of \(operands) do not fit each other") }
        let (batch, anchors) = (shapes[1][0], shapes[0][1])
        let boxes = TensorType(.float32, try Shape(checking: [batch, 4 * anchors]))
        return [boxes, boxes, TensorType(.float32, try Shape(checking: [batch, anchors]))]
    }
}
