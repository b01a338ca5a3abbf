import Kernels
import ONNXFormat
import TensorCore

/// SSD's last layer in ONNX: the best class of each anchor, decoded boxes, sorted by score, suppressed.
///
/// MXNet suppresses at the threshold itself, ONNX above it: ONNX gets the number just below.
extension ONNXComposition {
    mutating func writeMultiBoxDetection(_ kernel: MultiBoxDetectionKernel) throws {
        let scoreShape = try node.shape(0), count = scoreShape[2], classCount = scoreShape[1] - 1
        guard classCount > 0, count > 0 else { throw ModelError("there are no classes beside the background") }
        let scores = slice(try input(0), 1..<classCount + 1, axis: 1)
        let score = maximum(scores), category = firstLargest(scores, axis: 1)
        let isValid = self("GreaterOrEqual", score, constant(kernel.scoreThreshold))
        let boxes = try decoded(kernel, count)

        // The valid ones in front, in their order or by score.
        let compact = largest(cast(isValid, to: .float32), count: count).indices
        let suppresses = kernel.overlapThreshold > 0 && kernel.overlapThreshold <= 1
        let limit = suppresses ? min(kernel.limit ?? count, count) : 0
        var order = compact
        if suppresses {
            order = largest(self("Where", isValid, score, constant(-2)), count: count).indices
            // Behind the limit MXNet leaves the rows that were there before it sorted.
            if limit < count {
                order = concatenate(
                    [slice(order, 0..<limit, axis: 1), slice(compact, limit..<count, axis: 1)], axis: 1)
            }
        }
        let sortedIsValid = gather(isValid, order), sortedBoxes = gather(boxes, order, width: 4)
        let sortedCategory = gather(category, order)
        var shownCategory = cast(sortedCategory, to: .float32)
        if suppresses {
            let ranks = constant(
                Tensor((0..<count).map { $0 < limit ? Float(count - $0) : -1 }, shape: [1, count]))
            let kept = survivors(
                sortedBoxes, ranks: self("Where", sortedIsValid, ranks, constant(-1)), count: count,
                classes: kernel.ignoresClasses ? nil : sortedCategory, classCount: classCount,
                threshold: kernel.overlapThreshold.nextDown, isCentered: false)
            shownCategory = self("Where", kept, shownCategory, constant(-1))
        }
        let rows = concatenate(
            [unsqueeze(shownCategory, axis: 2), unsqueeze(gather(score, order), axis: 2), sortedBoxes], axis: 2)
        _ = self(
            "Where", unsqueeze(sortedIsValid, axis: 2), rows, constant(-1), as: writing.output(node))
    }

    private mutating func decoded(_ kernel: MultiBoxDetectionKernel, _ count: Int) throws -> String {
        let predictions = self("Reshape", try input(1), constant([-1, count, 4]))
        let halves = constant([2, 2]), last = [ONNXAttribute("axis", .int(2))]
        let parts = many("Split", [predictions, halves], count: 2, attributes: last)
        let anchors = many("Split", [try input(2), halves], count: 2, attributes: last)
        let size = self("Sub", anchors[1], anchors[0])
        let center = self("Div", self("Add", anchors[0], anchors[1]), constant(2))
        let move = self("Mul", parts[0], constant(Tensor(Array(kernel.variances[..<2]))))
        let stretch = self("Mul", parts[1], constant(Tensor(Array(kernel.variances[2...]))))
        let middle = self("Add", self("Mul", move, size), center)
        let half = self("Div", self("Mul", self("Exp", stretch), size), constant(2))
        let boxes = concatenate([self("Sub", middle, half), self("Add", middle, half)], axis: 2)
        return kernel.clips ? self("Clip", boxes, constant(0), constant(1)) : boxes
    }
}
