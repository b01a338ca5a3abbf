import Foundation
import TensorCore

/// Goes through boxes, the best first: each that is still there removes those behind it for which `suppresses` says so.
/// Returns which are left; stops when there are `limit` of them.
func survivors(_ count: Int, limit: Int = .max, suppresses: (Int, Int) -> Bool) -> [Int] {
    var isAlive = [Bool](repeating: true, count: count)
    var survivors: [Int] = []
    for best in 0..<count where isAlive[best] {
        guard survivors.count < limit else { break }
        survivors.append(best)
        for other in best + 1..<max(count, best + 1) where isAlive[other] && suppresses(best, other) {
            isAlive[other] = false
        }
    }
    return survivors
}

extension BoxSuppressionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let width = type.shape[type.shape.rank - 1], count = type.shape[type.shape.rank - 2]
        let source = operands[0].floats()
        if limit == 0 { return [operands[0]] }
        var result = [Float](repeating: -1, count: source.count)
        for list in 0..<(count == 0 ? 0 : source.count / (count * width)) {
            let rows = candidates(source, list * count..<(list + 1) * count, width)
            let boxes = rows.map { Box(source, at: $0 * width + coordinates, format) }
            let classes = classColumn.map { column in rows.map { source[$0 * width + column] } }
            let kept = survivors(rows.count) { best, other in
                if let classes, !ignoresClasses, classes[best] != classes[other] { return false }
                let intersection = boxes[best].intersection(boxes[other])
                return intersection / (boxes[best].area + boxes[other].area - intersection) > overlapThreshold
            }
            for (place, row) in kept.enumerated() {
                let target = (list * count + place) * width, origin = rows[row] * width
                for element in 0..<width { result[target + element] = source[origin + element] }
                convert(&result, at: target + coordinates)
            }
        }
        return [Tensor(result, shape: type.shape)]
    }

    /// The rows that take part, the best first.
    private func candidates(_ source: [Float], _ list: Range<Int>, _ width: Int) -> [Int] {
        let rows = list.filter { row in
            guard source[row * width + score] > scoreThreshold else { return false }
            guard let classColumn, let background else { return true }
            return source[row * width + classColumn] != Float(background)
        }
        let order = bestFirst(rows.map { source[$0 * width + score] })
        return order.prefix(limit ?? .max).map { rows[$0] }
    }

    /// MXNet leaves boxes as they are that begin with a negative number.
    private func convert(_ elements: inout [Float], at start: Int) {
        let (a, b, c, d) = (elements[start], elements[start + 1], elements[start + 2], elements[start + 3])
        guard format != resultFormat, !(a < 0) else { return }
        let converted =
            resultFormat == .center
            ? [(a + c) / 2, (b + d) / 2, c - a, d - b] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
        elements.replaceSubrange(start..<start + 4, with: converted)
    }
}

extension MultiBoxDetectionKernel {
    private typealias Row = (category: Float, score: Float, corners: [Float])

    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let (batch, count, classes) = (type.shape[0], type.shape[1], operands[0].shape[1])
        let scores = operands[0].floats(), predictions = operands[1].floats(), anchors = operands[2].floats()
        var result = [Float](repeating: -1, count: type.shape.elementCount)
        for item in 0..<batch {
            var rows: [Row] = []
            for anchor in 0..<count {
                var best = 0, bestScore: Float = -1
                for category in 1..<max(classes, 1) {
                    let score = scores[(item * classes + category) * count + anchor]
                    if score > bestScore { (best, bestScore) = (category, score) }
                }
                guard best > 0, !(bestScore < scoreThreshold) else { continue }
                let corners = decoded(predictions, (item * count + anchor) * 4, anchors, anchor * 4)
                rows.append((Float(best - 1), bestScore, corners))
            }
            for (place, row) in suppressed(rows).enumerated() {
                let start = (item * count + place) * 6
                result.replaceSubrange(start..<start + 6, with: [row.category, row.score] + row.corners)
            }
        }
        return [Tensor(result, shape: type.shape)]
    }

    private func decoded(_ predictions: [Float], _ start: Int, _ anchors: [Float], _ anchor: Int) -> [Float] {
        var corners = [Float](repeating: 0, count: 4)
        for axis in 0...1 {
            let (low, high) = (anchors[anchor + axis], anchors[anchor + axis + 2])
            let center = predictions[start + axis] * variances[axis] * (high - low) + (low + high) / 2
            let half = expf(predictions[start + axis + 2] * variances[axis + 2]) * (high - low) / 2
            corners[axis] = center - half
            corners[axis + 2] = center + half
        }
        return clips ? corners.map { max(0, min(1, $0)) } : corners
    }

    private func suppressed(_ rows: [Row]) -> [Row] {
        guard overlapThreshold > 0, overlapThreshold <= 1 else { return rows }
        let order = bestFirst(rows.map(\.score)).prefix(limit ?? .max)
        var sorted = order.map { rows[$0] }
        let boxes = sorted.map { Box($0.corners, .corner) }
        let kept = Set(
            survivors(sorted.count) { best, other in
                guard ignoresClasses || sorted[best].category == sorted[other].category else { return false }
                let intersection = boxes[best].intersection(boxes[other])
                let union = boxes[best].area + boxes[other].area - intersection
                return (union <= 0 ? 0 : intersection / union) >= overlapThreshold
            })
        // Beyond the limit, MXNet leaves the rows that were there before it sorted.
        sorted += rows.dropFirst(order.count)
        for index in sorted.indices where !kept.contains(index) { sorted[index].category = -1 }
        return sorted
    }
}

extension ProposalKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let shape = operands[0].shape, info = operands[2].floats()
        let scores = operands[0].floats(), predictions = operands[1].floats()
        var regions: [Float] = [], regionScores: [Float] = []
        for image in 0..<shape[0] {
            var candidates = try boxes(scores, predictions, shape, image, Array(info[image * 3..<image * 3 + 3]))
            let order = bestFirst(candidates.map { $0[4] }).prefix(self.candidates ?? .max)
            candidates = order.map { candidates[$0] }
            let areas = candidates.map { ($0[2] - $0[0] + 1) * ($0[3] - $0[1] + 1) }
            let kept = survivors(candidates.count, limit: limit) { best, other in
                let (a, b) = (candidates[best], candidates[other])
                let width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
                let height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
                return width * height / (areas[best] + areas[other] - width * height) > overlapThreshold
            }
            for row in 0..<limit {
                let box = candidates[kept[row % kept.count]]
                regions += [Float(image)] + box[..<4]
                regionScores.append(box[4])
            }
        }
        return zip(types, [regions, regionScores]).map { Tensor($1, shape: $0.shape) }
    }

    /// Corners and score of each anchor at each place. The score is −1 behind the image and for small boxes.
    private func boxes(
        _ scores: [Float], _ predictions: [Float], _ shape: Shape, _ image: Int, _ info: [Float]
    ) throws -> [[Float]] {
        let anchors = self.anchors, (height, width) = (shape[2], shape[3]), plane = height * width
        let (rows, columns) = (
            Int(saturating: Double(info[0] / Float(stride))), Int(saturating: Double(info[1] / Float(stride)))
        )
        guard rows <= height, columns <= width else {
            throw ModelError("an image of \(info[0])×\(info[1]) is larger than its map of \(height)×\(width)")
        }
        var boxes: [[Float]] = []
        boxes.reserveCapacity(plane * anchors.count)
        for y in 0..<height {
            for x in 0..<width {
                for (index, anchor) in anchors.enumerated() {
                    let place = y * width + x
                    func prediction(_ element: Int) -> Float {
                        predictions[(image * 4 * anchors.count + index * 4 + element) * plane + place]
                    }
                    var box = [Float](repeating: 0, count: 5)
                    for axis in 0...1 {
                        let shift = Float((axis == 0 ? x : y) * stride), limit = info[1 - axis] - 1
                        let (low, high) = (anchor[axis] + shift, anchor[axis + 2] + shift)
                        let moved =
                            predictsCorners
                            ? (low + prediction(axis), high + prediction(axis + 2))
                            : decoded(low, high, prediction(axis), prediction(axis + 2))
                        box[axis] = max(min(moved.0, limit), 0)
                        box[axis + 2] = max(min(moved.1, limit), 0)
                    }
                    box[4] = scores[(image * 2 * anchors.count + anchors.count + index) * plane + place]
                    if y >= rows || x >= columns { box[4] = -1 }
                    let smallest = minimumSize * info[2]
                    if box[2] - box[0] + 1 < smallest || box[3] - box[1] + 1 < smallest {
                        for axis in 0...1 {
                            box[axis] -= smallest / 2
                            box[axis + 2] += smallest / 2
                        }
                        box[4] = -1
                    }
                    boxes.append(box)
                }
            }
        }
        return boxes
    }

    private func decoded(_ low: Float, _ high: Float, _ move: Float, _ stretch: Float) -> (Float, Float) {
        let extent = high - low + 1
        let center = move * extent + (low + 0.5 * (extent - 1)), half = 0.5 * (expf(stretch) * extent - 1)
        return (center - half, center + half)
    }

    /// For each ratio, then for each scale, a box around the centre of the first stride×stride pixels, of rounded sides.
    public var anchors: [[Float]] {
        let side = Float(stride), center = 0.5 * (side - 1)
        return ratios.flatMap { ratio in
            let width = ((side * side / ratio).rounded(.down).squareRoot() + 0.5).rounded(.down)
            let height = (width * ratio + 0.5).rounded(.down)
            return scales.map { scale in
                let (x, y) = (0.5 * (width * scale - 1), 0.5 * (height * scale - 1))
                return [center - x, center - y, center + x, center + y]
            }
        }
    }
}
