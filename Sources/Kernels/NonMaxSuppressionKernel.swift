import TensorCore

/// ONNX's non-maximum suppression (onnx/defs/object_detection/defs.cc): boxes B×N×4 by opposite corners or by centre,
/// scores B×C×N → int64 rows of image, class and box, the best first within each class. Operands as `operands` lists
/// them.
public struct NonMaxSuppressionKernel: Kernel, Hashable {
    /// The names that ONNX has for them; the first two are always there.
    public enum Operand: String, Sendable, CaseIterable {
        case boxes, scores
        /// How many boxes of each class are kept; none, if nothing is said.
        case limit = "max_output_boxes_per_class"
        case overlapThreshold = "iou_threshold"
        /// Only boxes with a larger score take part; all, if nothing is said.
        case scoreThreshold = "score_threshold"
    }

    public static let name = "non-maximum suppression"
    public var operands: [Operand]
    /// How the four numbers of a box are meant.
    public var format: BoxFormat

    public init(operands: [Operand], format: BoxFormat) {
        self.operands = operands
        self.format = format
    }

    /// How many rows there are, only the data decides: it has to be evaluated when its operands are known.
    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        throw ModelError("how many boxes remain depends on data that is not known yet")
    }
}
