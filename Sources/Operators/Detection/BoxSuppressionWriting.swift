import Kernels
import ONNXFormat
import TensorCore

/// MXNet's box_nms in ONNX: the rows that take part are sorted, suppressed, moved to the front, and −1 fills the rest.
extension ONNXComposition {
    /// The classes of so many boxes are told apart by comparing each with each.
    private static let largestClassList = 4096

    mutating func writeBoxSuppression(_ kernel: BoxSuppressionKernel) throws {
        let shape = try node.shape(0), rank = shape.rank
        let width = shape[rank - 1], total = shape[rank - 2], count = min(kernel.limit ?? total, total)
        guard count > 0 else {
            _ = self("Identity", try input(0), as: writing.output(node))
            return
        }
        let seesClasses = kernel.classColumn != nil && !kernel.ignoresClasses
        guard !seesClasses || count <= Self.largestClassList else {
            throw ModelError(
                "\(count) boxes of unknown classes are too many for ONNX's NonMaxSuppression",
                advice: "give topk, or force_suppress=True")
        }
        let data = rank == 3 ? try input(0) : self("Reshape", try input(0), constant([-1, total, width]))
        let score = column(kernel.score, of: data)
        var isValid = self("Greater", score, constant(kernel.scoreThreshold))
        if let classColumn = kernel.classColumn, let background = kernel.background {
            let isBackground = self("Equal", column(classColumn, of: data), constant(Float(background)))
            isValid = self("And", isValid, self("Not", isBackground))
        }
        let order = largest(
            self("Where", isValid, score, constant(-Float.greatestFiniteMagnitude)), count: count
        ).indices
        let rows = gather(data, order, width: width)
        let ranks = constant(Tensor((0..<count).map { Float(count - $0) }, shape: [1, count]))
        let validRanks = self("Where", gather(isValid, order), ranks, constant(-1))
        let kept = survivors(
            slice(rows, kernel.coordinates..<kernel.coordinates + 4, axis: 2), ranks: validRanks, count: count,
            classes: seesClasses ? kernel.classColumn.map { classNumbers(column($0, of: rows)) } : nil,
            classCount: count, threshold: kernel.overlapThreshold, isCentered: kernel.format == .center)
        let front = largest(self("Where", kept, validRanks, constant(-1)), count: count)
        let converted = converted(gather(rows, front.indices, width: width), kernel, width)
        let isKept = unsqueeze(self("Greater", front.values, constant(0)), axis: 2)
        var result = self("Where", isKept, converted, constant(-1))
        if count < total { result = self("Pad", result, constant([0, 0, 0, 0, total - count, 0]), constant(-1)) }
        _ = self("Reshape", result, constant(shape.dimensions), as: writing.output(node))
    }

    private mutating func column(_ index: Int, of rows: String) -> String {
        self("Gather", rows, constant(Tensor(scalar: Int64(index))), attributes: [ONNXAttribute("axis", .int(2))])
    }

    /// For each row, the first one of its class.
    private mutating func classNumbers(_ classes: String) -> String {
        let isSame = self("Equal", unsqueeze(classes, axis: 2), unsqueeze(classes, axis: 1))
        return firstLargest(cast(isSame, to: .float32), axis: 2)
    }

    /// MXNet leaves boxes as they are that begin with a negative number.
    private mutating func converted(_ rows: String, _ kernel: BoxSuppressionKernel, _ width: Int) -> String {
        guard kernel.format != kernel.resultFormat else { return rows }
        let start = kernel.coordinates
        let a = slice(rows, start..<start + 2, axis: 2), b = slice(rows, start + 2..<start + 4, axis: 2)
        let two = constant(2)
        let pair: [String]
        if kernel.resultFormat == .center {
            pair = [self("Div", self("Add", a, b), two), self("Sub", b, a)]
        } else {
            let half = self("Div", b, two)
            pair = [self("Sub", a, half), self("Add", a, half)]
        }
        let isOutside = self("Less", slice(rows, start..<start + 1, axis: 2), constant(0))
        let box = self("Where", isOutside, concatenate([a, b], axis: 2), concatenate(pair, axis: 2))
        let before = start > 0 ? [slice(rows, 0..<start, axis: 2)] : []
        let after = start + 4 < width ? [slice(rows, start + 4..<width, axis: 2)] : []
        return concatenate(before + [box] + after, axis: 2)
    }

    mutating func writeBoxDecode(_ kernel: BoxDecodeKernel) throws {
        let halves = constant([2, 2]), last = [ONNXAttribute("axis", .int(2))]
        let parts = many("Split", [try input(0), halves], count: 2, attributes: last)
        let anchors = many("Split", [try input(1), halves], count: 2, attributes: last)
        var (center, size) = (anchors[0], anchors[1])
        if kernel.format == .corner {
            size = self("Sub", anchors[1], anchors[0])
            center = self("Add", anchors[0], self("Mul", size, constant(0.5)))
        }
        let move = self("Mul", parts[0], constant(Tensor(Array(kernel.deviations[..<2]))))
        var stretch = self("Mul", parts[1], constant(Tensor(Array(kernel.deviations[2...]))))
        if let clip = kernel.clip { stretch = self("Min", stretch, constant(clip)) }
        let middle = self("Add", self("Mul", move, size), center)
        let half = self("Mul", self("Mul", self("Exp", stretch), size), constant(0.5))
        _ = concatenate(
            [self("Sub", middle, half), self("Add", middle, half)], axis: 2, as: writing.output(node))
    }
}
