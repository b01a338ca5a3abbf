import Kernels
import ONNXFormat
import TensorCore

/// MXNet's region proposals in ONNX: anchors are constants; boxes are decoded, cut at the border of the image, sorted,
/// suppressed, and repeated until there are as many as asked for.
///
/// MXNet counts both border pixels, so that ONNX's NonMaxSuppression gets boxes that are one pixel longer. In which
/// order MXNet has boxes of equal score, such as those that are too small, is left to its sort.
extension ONNXComposition {
    mutating func writeProposal(_ kernel: ProposalKernel) throws {
        let shape = try node.shape(0), images = shape[0]
        let places = ProposalPlaces(kernel, height: shape[2], width: shape[3])
        let count = places.count, candidates = min(kernel.candidates ?? count, count), limit = kernel.limit
        guard images > 0, candidates > 0 else { throw ModelError("there are no candidates for regions") }
        let anchorCount = kernel.anchors.count
        let objectScores = slice(try input(0), anchorCount..<2 * anchorCount, axis: 1)
        let score = self("Reshape", transpose(objectScores, [0, 2, 3, 1]), constant([images, count]))
        let info = try input(2)
        var (low, high) = try decoded(kernel, places, shape)
        let border = self(
            "Sub", unsqueeze(self("Gather", info, constant([1, 0]), attributes: columns), axis: 1), constant(1))
        func inside(_ corner: String, _ composition: inout Self) -> String {
            composition("Max", composition("Min", corner, border), composition.constant(0))
        }
        low = inside(low, &self)
        high = inside(high, &self)

        // Behind the image, or too small: not taken, unless there is nothing else.
        let extents = self("Floor", self("Div", info, constant(Float(kernel.stride))))
        let isBelow = self("GreaterOrEqual", constant(places.rows), slice(extents, 0..<1, axis: 1))
        let isBeside = self("GreaterOrEqual", constant(places.columns), slice(extents, 1..<2, axis: 1))
        let smallest = unsqueeze(
            self("Mul", slice(info, 2..<3, axis: 1), constant(kernel.minimumSize)), axis: 2)
        let isShort = self("Less", self("Add", self("Sub", high, low), constant(1)), smallest)
        let isSmall = self("Or", slice(isShort, 0..<1, axis: 2), slice(isShort, 1..<2, axis: 2))
        let growth = self("Where", isSmall, self("Div", smallest, constant(2)), constant(0))
        let boxes = concatenate([self("Sub", low, growth), self("Add", high, growth)], axis: 2)
        let isOutside = self("Or", self("Or", isBelow, isBeside), self("Squeeze", isSmall, constant([2])))
        let best = largest(self("Where", isOutside, constant(-1), score), count: candidates)

        let sorted = gather(boxes, best.indices, width: 4)
        let falling = constant(Tensor((0..<candidates).map { Float(candidates - $0) }, shape: [1, candidates]))
        let ranks = self("Add", self("Mul", best.values, constant(0)), falling)
        let longer = self("Add", sorted, constant(Tensor([0, 0, 1, 1] as [Float])))
        let kept = survivors(
            longer, ranks: ranks, count: candidates, classes: nil, classCount: 0, threshold: kernel.overlapThreshold,
            isCentered: false)
        let front = largest(self("Where", kept, ranks, constant(-1)), count: candidates).indices
        let number = self("ReduceSum", cast(kept, to: .int64), constant([1]))
        let round = self("Min", number, constant(Tensor([Int64(limit)])))
        let numbersInTurn = constant(Tensor((0..<limit).map(Int64.init), shape: [1, limit]))
        let order = gather(front, self("Mod", numbersInTurn, round))

        let numbers = (0..<images).flatMap { [Float](repeating: Float($0), count: limit) }
        let image = constant(Tensor(numbers, shape: [images, limit, 1]))
        let rows = concatenate([image, gather(sorted, order, width: 4)], axis: 2)
        _ = self("Reshape", rows, constant([images * limit, 5]), as: writing.output(node))
        if node.node.outputs.count > 1 {
            _ = self(
                "Reshape", gather(best.values, order), constant([images * limit, 1]), as: writing.output(node, 1))
        }
    }

    private var columns: [ONNXAttribute] { [ONNXAttribute("axis", .int(1))] }

    private mutating func transpose(_ tensor: String, _ axes: [Int]) -> String {
        self("Transpose", tensor, attributes: [ONNXAttribute("perm", .ints(axes))])
    }

    /// The corners of the boxes, left and top apart from right and bottom.
    private mutating func decoded(
        _ kernel: ProposalKernel, _ places: ProposalPlaces, _ shape: Shape
    ) throws -> (low: String, high: String) {
        let apart = self(
            "Reshape", try input(1), constant([shape[0], kernel.anchors.count, 4, shape[2], shape[3]]))
        let rows = self("Reshape", transpose(apart, [0, 3, 4, 1, 2]), constant([shape[0], places.count, 4]))
        let parts = many(
            "Split", [rows, constant([2, 2])], count: 2, attributes: [ONNXAttribute("axis", .int(2))])
        if kernel.predictsCorners {
            return (self("Add", parts[0], constant(places.low)), self("Add", parts[1], constant(places.high)))
        }
        let size = constant(places.size)
        let center = self("Add", self("Mul", parts[0], size), constant(places.center))
        let length = self("Sub", self("Mul", self("Exp", parts[1]), size), constant(1))
        let half = self("Mul", length, constant(0.5))
        return (self("Sub", center, half), self("Add", center, half))
    }
}

/// The anchors at all places of a map as constants, in MXNet's order: by row, by column, by anchor.
private struct ProposalPlaces {
    let count: Int
    /// 1×count
    private(set) var rows, columns: Tensor
    /// 1×count×2
    private(set) var low, high, size, center: Tensor

    init(_ kernel: ProposalKernel, height: Int, width: Int) {
        let anchors = kernel.anchors, count = height * width * anchors.count
        self.count = count
        var rows: [Float] = [], columns = rows, low = rows, high = rows, size = rows, center = rows
        for row in 0..<height {
            for column in 0..<width {
                for anchor in anchors {
                    rows.append(Float(row))
                    columns.append(Float(column))
                    for axis in 0...1 {
                        let shift = Float((axis == 0 ? column : row) * kernel.stride)
                        let (start, end) = (anchor[axis] + shift, anchor[axis + 2] + shift)
                        low.append(start)
                        high.append(end)
                        size.append(end - start + 1)
                        center.append(start + 0.5 * (end - start))
                    }
                }
            }
        }
        self.rows = Tensor(rows, shape: [1, count])
        self.columns = Tensor(columns, shape: [1, count])
        self.low = Tensor(low, shape: [1, count, 2])
        self.high = Tensor(high, shape: [1, count, 2])
        self.size = Tensor(size, shape: [1, count, 2])
        self.center = Tensor(center, shape: [1, count, 2])
    }
}
