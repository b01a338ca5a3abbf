import TensorCore

extension NonMaxSuppressionKernel {
    public func evaluate(_ tensors: [Tensor]) throws -> [Tensor] {
        let named = Dictionary(zip(operands, tensors), uniquingKeysWith: { first, _ in first })
        guard let boxTensor = named[.boxes], let scoreTensor = named[.scores], boxTensor.shape.rank == 3,
            scoreTensor.shape.rank == 3, boxTensor.shape[2] == 4, boxTensor.shape[0] == scoreTensor.shape[0],
            boxTensor.shape[1] == scoreTensor.shape[2]
        else { throw ModelError("boxes and scores of \(tensors.map(\.type)) do not fit each other") }
        let (batch, classes, count) = (scoreTensor.shape[0], scoreTensor.shape[1], scoreTensor.shape[2])
        let limit = named[.limit]?.asInts().first ?? 0
        let overlapThreshold = named[.overlapThreshold]?.floats().first ?? 0
        let scoreThreshold = named[.scoreThreshold]?.floats().first
        let boxes = self.boxes(boxTensor), scores = scoreTensor.floats()
        var rows: [Int64] = []
        for list in 0..<batch * classes {
            let scores = Array(scores[list * count..<(list + 1) * count])
            let order = bestFirst(scores).filter { box in scoreThreshold.map { scores[box] > $0 } ?? true }
            let first = list / classes * count
            let kept = survivors(order.count, limit: max(limit, 0)) { best, other in
                let (a, b) = (boxes[first + order[best]], boxes[first + order[other]])
                let intersection = a.intersection(b), union = a.area + b.area - intersection
                return intersection > 0 && union > 0 && intersection / union > overlapThreshold
            }
            for place in kept { rows += [list / classes, list % classes, order[place]].map(Int64.init) }
        }
        return [Tensor(rows, shape: [rows.count / 3, 3])]
    }

    /// Corners may come in any order.
    private func boxes(_ tensor: Tensor) -> [Box] {
        var elements = tensor.floats()
        if format == .corner {
            for start in stride(from: 0, to: elements.count, by: 4) {
                for axis in start...start + 1 where elements[axis] > elements[axis + 2] {
                    elements.swapAt(axis, axis + 2)
                }
            }
        }
        return stride(from: 0, to: elements.count, by: 4).map { Box(elements, at: $0, format) }
    }
}
