import Foundation
import TensorCore

extension Tensor {
    /// The boxes of a float32 tensor …×4.
    fileprivate func boxes(_ format: BoxFormat) -> [Box] {
        let elements = floats()
        return stride(from: 0, to: elements.count, by: 4).map { Box(elements, at: $0, format) }
    }
}

extension BoxOverlapKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let left = operands[0].boxes(format), right = operands[1].boxes(format)
        var overlaps: [Float] = []
        overlaps.reserveCapacity(type.shape.elementCount)
        for a in left {
            for b in right {
                let intersection = a.intersection(b)
                overlaps.append(intersection <= 0 ? 0 : intersection / (a.area + b.area - intersection))
            }
        }
        return [Tensor(overlaps, shape: type.shape)]
    }
}

extension BoxDecodeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let anchors = operands[1].floats()
        var boxes = operands[0].floats()
        for start in stride(from: 0, to: boxes.count, by: 4) {
            let anchor = start % anchors.count
            let (a, b, c, d) = (anchors[anchor], anchors[anchor + 1], anchors[anchor + 2], anchors[anchor + 3])
            let (width, height) = format == .corner ? (c - a, d - b) : (c, d)
            let (x, y) = format == .corner ? (a + width * 0.5, b + height * 0.5) : (a, b)
            let centerX = boxes[start] * deviations[0] * width + x
            let centerY = boxes[start + 1] * deviations[1] * height + y
            var (stretchX, stretchY) = (boxes[start + 2] * deviations[2], boxes[start + 3] * deviations[3])
            if let clip { (stretchX, stretchY) = (min(stretchX, clip), min(stretchY, clip)) }
            let halfWidth = expf(stretchX) * width * 0.5, halfHeight = expf(stretchY) * height * 0.5
            boxes[start] = centerX - halfWidth
            boxes[start + 1] = centerY - halfHeight
            boxes[start + 2] = centerX + halfWidth
            boxes[start + 3] = centerY + halfHeight
        }
        return [Tensor(boxes, shape: type.shape)]
    }
}

extension BoxEncodeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let samples = operands[0].floats(), matches = operands[1].floats()
        let anchors = operands[2].floats(), references = operands[3].floats()
        let means = operands[4].floats(), deviations = operands[5].floats()
        let (count, referenceCount) = (type.shape[1], operands[3].shape[1])
        var targets = [Float](repeating: 0, count: type.shape.elementCount), mask = targets
        for row in samples.indices where samples[row] > 0.5 {
            let match = Int(saturating: Double(matches[row]))
            guard 0..<referenceCount ~= match else {
                throw ModelError("a box is matched with number \(match) of \(referenceCount)")
            }
            let (start, other) = (4 * row, 4 * (row / count * referenceCount + match))
            for axis in 0...1 {
                let width = anchors[start + axis + 2] - anchors[start + axis]
                let center = anchors[start + axis] + width * 0.5
                let otherWidth = references[other + axis + 2] - references[other + axis]
                let otherCenter = references[other + axis] + otherWidth * 0.5
                targets[start + axis] = ((otherCenter - center) / width - means[axis]) / deviations[axis]
                targets[start + axis + 2] = (logf(otherWidth / width) - means[axis + 2]) / deviations[axis + 2]
            }
            for element in start..<start + 4 { mask[element] = 1 }
        }
        return [Tensor(targets, shape: type.shape), Tensor(mask, shape: type.shape)]
    }
}

extension BipartiteMatchingKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let scores = operands[0].floats()
        let rows = types[0].shape.dimensions.last ?? 0, columns = types[1].shape.dimensions.last ?? 0
        var columnOf = [Float](repeating: -1, count: types[0].shape.elementCount)
        var rowOf = [Float](repeating: -1, count: types[1].shape.elementCount)
        for batch in 0..<(rows * columns == 0 ? 0 : scores.count / (rows * columns)) {
            let matrix = Array(scores[batch * rows * columns..<(batch + 1) * rows * columns])
            var count = 0
            for place in bestFirst(matrix, isAscending: isAscending) {
                let row = batch * rows + place / columns, column = batch * columns + place % columns
                guard columnOf[row] == -1, rowOf[column] == -1 else { continue }
                guard isAscending ? matrix[place] < threshold : matrix[place] > threshold else { break }
                columnOf[row] = Float(place % columns)
                rowOf[column] = Float(place / columns)
                count += 1
                // One more than the limit, as MXNet has it.
                if let limit, count > limit { break }
            }
        }
        return [Tensor(columnOf, shape: types[0].shape), Tensor(rowOf, shape: types[1].shape)]
    }
}

/// The places of the elements in the order of their values; equal ones keep their order.
func bestFirst(_ values: [Float], isAscending: Bool = false) -> [Int] {
    values.indices.sorted { a, b in
        if values[a] == values[b] { return a < b }
        return isAscending ? values[a] < values[b] : values[a] > values[b]
    }
}

extension MultiBoxTargetKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let (batch, anchors) = (types[2].shape[0], types[2].shape[1])
        let labels = operands[1].floats(), width = operands[1].shape[2], labelCount = operands[1].shape[1]
        let predictions = operands[2].floats(), classes = operands[2].shape[1]
        let anchorElements = operands[0].floats(), anchorBoxes = operands[0].boxes(.corner)
        var targets = [Float](repeating: 0, count: types[0].shape.elementCount), mask = targets
        var classTargets = [Float](repeating: ignoreLabel, count: types[2].shape.elementCount)
        for item in 0..<batch {
            let rows = (0..<labelCount).map {
                labels[(item * labelCount + $0) * width..<(item * labelCount + $0 + 1) * width]
            }
            .prefix { $0.first != -1 }.map(Array.init)
            guard !rows.isEmpty else { continue }
            let boxes = rows.map { Box($0, at: 1, .corner) }
            let overlaps = anchorBoxes.map { anchor in
                boxes.map { box in
                    let intersection = anchor.intersection(box), union = anchor.area + box.area - intersection
                    return union <= 0 ? 0 : intersection / union
                }
            }
            let flags = assignment(overlaps, labels: rows.count) { anchor in
                let scores = (0..<classes).map { predictions[(item * classes + $0) * anchors + anchor] }
                let largest = scores.reduce(-Float.infinity, max)
                return expf(scores[0] - largest) / scores.reduce(0) { $0 + expf($1 - largest) }
            }
            for anchor in 0..<anchors {
                let place = item * anchors + anchor
                switch flags[anchor] {
                case .ignored: break
                case .negative: classTargets[place] = 0
                case .positive(let label):
                    classTargets[place] = rows[label][0] + 1
                    for axis in 0...1 {
                        let (low, high) = (anchorElements[4 * anchor + axis], anchorElements[4 * anchor + axis + 2])
                        let (labelLow, labelHigh) = (rows[label][1 + axis], rows[label][3 + axis])
                        let center = (low + high) * 0.5, labelCenter = (labelLow + labelHigh) * 0.5
                        targets[4 * place + axis] = (labelCenter - center) / (high - low) / variances[axis]
                        targets[4 * place + axis + 2] =
                            logf((labelHigh - labelLow) / (high - low)) / variances[axis + 2]
                    }
                    for element in 4 * place..<4 * place + 4 { mask[element] = 1 }
                }
            }
        }
        return zip(types, [targets, mask, classTargets]).map { Tensor($1, shape: $0.shape) }
    }

    private enum Flag { case ignored, negative, positive(label: Int) }

    /// First each label gets the anchor that overlaps it most, then each anchor the label that it overlaps enough.
    private func assignment(_ overlaps: [[Float]], labels: Int, background: (Int) -> Float) -> [Flag] {
        var matches = [Int?](repeating: nil, count: overlaps.count)
        var isFree = [Bool](repeating: true, count: labels)
        while true {
            var best: (anchor: Int, label: Int, overlap: Float) = (-1, -1, 1e-6)
            for anchor in overlaps.indices where matches[anchor] == nil {
                for label in 0..<labels where isFree[label] && overlaps[anchor][label] > best.overlap {
                    best = (anchor, label, overlaps[anchor][label])
                }
            }
            guard best.anchor >= 0 else { break }
            matches[best.anchor] = best.label
            isFree[best.label] = false
        }
        let mostOverlapped = overlaps.map { row in row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 } }
        if overlapThreshold > 0 {
            for anchor in overlaps.indices where matches[anchor] == nil {
                let label = mostOverlapped[anchor]
                if overlaps[anchor][label] > overlapThreshold { matches[anchor] = label }
            }
        }
        var flags = matches.map { $0.map { Flag.positive(label: $0) } ?? .ignored }
        let rest = matches.indices.filter { matches[$0] == nil }
        guard negativeMiningRatio > 0 else {
            for anchor in rest { flags[anchor] = .negative }
            return flags
        }
        let positives = matches.count - rest.count
        let count = min(Int(saturating: Double(Float(positives) * negativeMiningRatio)), rest.count)
        let hard = rest.filter { overlaps[$0][mostOverlapped[$0]] < negativeMiningThreshold }
        for index in bestFirst(hard.map { -background($0) }).prefix(count) { flags[hard[index]] = .negative }
        return flags
    }
}
