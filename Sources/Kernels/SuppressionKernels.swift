import TensorCore

/// Non-maximum suppression of …×N×W rows with a score, a box and perhaps a class: MXNet's box_nms
/// (src/operator/contrib/bounding_box-inl.h). Rows are sorted by score; a row that overlaps a better one of its class too
/// much goes; what remains moves to the front, and −1 fills the rest.
public struct BoxSuppressionKernel: Kernel, Hashable {
    public static let name = "box suppression"
    /// Boxes that overlap by more than this share of their union count as the same.
    public var overlapThreshold: Float
    /// Only rows with a larger score take part, and only so many of the best.
    public var scoreThreshold: Float
    /// At most so many; nil for all.
    public var limit: Int?
    public var coordinates: Int
    public var score: Int
    public var classColumn: Int?
    public var background: Int?
    /// Boxes of different classes suppress each other, too.
    public var ignoresClasses: Bool
    /// How the four numbers of a box are meant.
    public var format: BoxFormat
    /// How the four numbers of a box are meant in the result.
    public var resultFormat: BoxFormat

    public init(
        overlapThreshold: Float, scoreThreshold: Float, limit: Int?, coordinates: Int, score: Int, classColumn: Int?,
        background: Int?, ignoresClasses: Bool, format: BoxFormat, resultFormat: BoxFormat
    ) {
        self.overlapThreshold = overlapThreshold
        self.scoreThreshold = scoreThreshold
        self.limit = limit
        self.coordinates = coordinates
        self.score = score
        self.classColumn = classColumn
        self.background = background
        self.ignoresClasses = ignoresClasses
        self.format = format
        self.resultFormat = resultFormat
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let shape = operands[0].shape
        guard shape.rank >= 2, let width = shape.dimensions.last else {
            throw ModelError("data of shape \(shape) is not a list of boxes")
        }
        let box = coordinates..<coordinates + 4
        let columns = [score] + (classColumn.map { [$0] } ?? [])
        guard box.lowerBound >= 0, box.upperBound <= width,
            columns.allSatisfy({ 0..<width ~= $0 && !box.contains($0) }), Set(columns).count == columns.count
        else { throw ModelError("score, class and coordinates do not fit rows of \(width) elements") }
        return [TensorType(.float32, shape)]
    }
}

/// The last layer of SSD (src/operator/contrib/multibox_detection.cc): class probabilities B×C×N with class 0 for the
/// background, box predictions B×4N, anchors 1×N×4 → B×N×6 rows of class, score and corners, the best first. Rows that
/// another one of their class suppresses get class −1.
public struct MultiBoxDetectionKernel: Kernel, Hashable {
    public static let name = "multibox detection"
    public var scoreThreshold: Float
    public var clips: Bool
    /// Boxes that overlap by more than this share of their union count as the same.
    public var overlapThreshold: Float
    public var ignoresClasses: Bool
    /// What the four differences between boxes are multiplied with.
    public var variances: [Float]
    /// At most so many; nil for all.
    public var limit: Int?

    public init(
        scoreThreshold: Float, clips: Bool, overlapThreshold: Float, ignoresClasses: Bool, variances: [Float],
        limit: Int?
    ) {
        self.scoreThreshold = scoreThreshold
        self.clips = clips
        self.overlapThreshold = overlapThreshold
        self.ignoresClasses = ignoresClasses
        self.variances = variances
        self.limit = limit
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let shapes = operands.map(\.shape)
        guard shapes.count == 3, variances.count == 4, shapes[0].rank == 3, shapes[2] == [1, shapes[0][2], 4],
            shapes[1] == [shapes[0][0], 4 * shapes[0][2]]
        else { throw ModelError("probabilities, boxes and anchors of \(operands) do not fit each other") }
        return [TensorType(.float32, try Shape(checking: [shapes[0][0], shapes[0][2], 6]))]
    }
}

/// The region proposals of Faster R-CNN (src/operator/contrib/proposal.cc, multi_proposal.cc): scores B×2A×H×W, the
/// second half of them for objects, box predictions B×4A×H×W, height, width and scale of the images B×3
/// → regions (B·limit)×5 with the image's number and corners in pixels, and scores (B·limit)×1. If fewer remain, they are
/// repeated.
public struct ProposalKernel: Kernel, Hashable {
    public static let name = "region proposal"
    public var scales: [Float]
    public var ratios: [Float]
    public var stride: Int
    /// Boxes that overlap by more than this share of their union count as the same.
    public var overlapThreshold: Float
    public var minimumSize: Float
    /// How many of the best take part in the suppression, nil for all, and how many come out.
    public var candidates: Int?
    /// At most so many.
    public var limit: Int
    /// Predictions are moved corners, not centre and size.
    public var predictsCorners: Bool

    public init(
        scales: [Float], ratios: [Float], stride: Int, overlapThreshold: Float, minimumSize: Float, candidates: Int?,
        limit: Int, predictsCorners: Bool
    ) {
        self.scales = scales
        self.ratios = ratios
        self.stride = stride
        self.overlapThreshold = overlapThreshold
        self.minimumSize = minimumSize
        self.candidates = candidates
        self.limit = limit
        self.predictsCorners = predictsCorners
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let shapes = operands.map(\.shape), anchors = scales.count * ratios.count
        guard shapes.count == 3, shapes[0].rank == 4, shapes[1].rank == 4, shapes[0][1] == 2 * anchors,
            shapes[1] == [shapes[0][0], 4 * anchors, shapes[0][2], shapes[0][3]], shapes[2] == [shapes[0][0], 3],
            shapes[0].elementCount > 0
        else { throw ModelError("scores, boxes and image sizes of \(operands) do not fit \(anchors) anchors") }
        let rows = try Shape(checking: [shapes[0][0], limit, 5])
        return [5, 1].map { TensorType(.float32, [rows[0] * rows[1], $0]) }
    }
}
