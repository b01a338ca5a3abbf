import Foundation
import TensorCore

extension RegionPoolingKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let maps = operands[0].shape, channels = type.shape[1]
        let source = operands[0].floats(), regions = operands[1].floats(), columns = operands[1].shape[1]
        let images = operands.count > 2 ? operands[2].asInts() : nil
        var result = [Float](repeating: 0, count: type.shape.elementCount)
        let regionLength = channels * height * width, planeLength = maps[2] * maps[3]
        for region in 0..<type.shape[0] {
            let image = images?[region] ?? Int(saturating: Double(regions[region * columns]))
            // MXNet leaves out aligned regions of negative images.
            if case .aligned = kind, image < 0 { continue }
            guard 0..<maps[0] ~= image else {
                throw ModelError("a region lies in image \(image), but there are \(maps[0])")
            }
            let corners = Array(regions[(region + 1) * columns - 4..<(region + 1) * columns])
            let plan = try parts(of: corners, height: maps[2], width: maps[3])
            for channel in 0..<channels {
                for part in 0..<height * width {
                    let plane = (image * maps[1] + sourceChannel(channel, part)) * planeLength
                    result[region * regionLength + channel * height * width + part] = plan[part].value(source, plane)
                }
            }
        }
        return [Tensor(result, shape: type.shape)]
    }

    private func sourceChannel(_ channel: Int, _ part: Int) -> Int {
        switch kind {
        case .max: return channel
        case .aligned(let alignment): return alignment.isPositionSensitive ? channel * height * width + part : channel
        case .positionSensitiveMean(_, let groups):
            let row = part / width * groups / height, column = part % width * groups / width
            return (channel * groups + min(row, groups - 1)) * groups + min(column, groups - 1)
        }
    }

    /// One element of the result: which elements of a plane it is made of.
    private struct Part {
        enum Combination { case max, sum }
        var combination: Combination
        /// Each the sum of elements and their weights; a sum is divided by `divisor`.
        var samples: [[(index: Int, weight: Float)]]
        var divisor: Float = 1

        func value(_ source: [Float], _ plane: Int) -> Float {
            func value(_ sample: [(index: Int, weight: Float)]) -> Float {
                sample.reduce(0) { $0 + $1.weight * source[plane + $1.index] }
            }
            guard let first = samples.first else { return 0 }
            switch combination {
            case .max: return samples.dropFirst().reduce(value(first)) { Swift.max($0, value($1)) }
            case .sum: return samples.reduce(0) { $0 + value($1) } / divisor
            }
        }
    }

    private func parts(of corners: [Float], height mapHeight: Int, width mapWidth: Int) throws -> [Part] {
        switch kind {
        case .max:
            let rows = roundedRanges(corners[1], corners[3], count: height, extent: mapHeight)
            let columns = roundedRanges(corners[0], corners[2], count: width, extent: mapWidth)
            return elements(rows, columns, mapWidth) { Part(combination: .max, samples: $0) }
        case .positionSensitiveMean:
            let rows = meanRanges(corners[1], corners[3], count: height, extent: mapHeight)
            let columns = meanRanges(corners[0], corners[2], count: width, extent: mapWidth)
            return elements(rows, columns, mapWidth) {
                Part(combination: .sum, samples: $0, divisor: Float($0.count))
            }
        case .aligned(let alignment):
            let rows = try points(corners[1], corners[3], count: height, extent: mapHeight, alignment)
            let columns = try points(corners[0], corners[2], count: width, extent: mapWidth, alignment)
            return rows.flatMap { rows in
                columns.map { columns in
                    let samples = rows.flatMap { row in columns.map { Self.combined(row, $0, mapWidth) } }
                    // ONNX means the largest weighted element, not the largest interpolated one.
                    return alignment.takesMaximum
                        ? Part(combination: .max, samples: samples.flatMap { $0.map { [$0] } })
                        : Part(combination: .sum, samples: samples, divisor: Float(rows.count * columns.count))
                }
            }
        }
    }

    private func elements(
        _ rows: [Range<Int>], _ columns: [Range<Int>], _ mapWidth: Int,
        _ part: ([[(index: Int, weight: Float)]]) -> Part
    ) -> [Part] {
        rows.flatMap { rows in
            columns.map { columns in
                part(rows.flatMap { row in columns.map { [(index: row * mapWidth + $0, weight: Float(1))] } })
            }
        }
    }

    // MARK: Along one axis

    private func roundedRanges(_ start: Float, _ end: Float, count: Int, extent: Int) -> [Range<Int>] {
        let first = (start * scale).rounded(), last = (end * scale).rounded()
        let bin = max(last - first + 1, 1) / Float(count)
        return (0..<count).map { index in
            range((Float(index) * bin).rounded(.down) + first, (Float(index + 1) * bin).rounded(.up) + first, extent)
        }
    }

    private func meanRanges(_ start: Float, _ end: Float, count: Int, extent: Int) -> [Range<Int>] {
        let first = start.rounded() * scale, last = (end.rounded() + 1) * scale
        let bin = max(last - first, 0.1) / Float(count)
        return (0..<count).map { index in
            range((Float(index) * bin + first).rounded(.down), (Float(index + 1) * bin + first).rounded(.up), extent)
        }
    }

    private func range(_ start: Float, _ end: Float, _ extent: Int) -> Range<Int> {
        func place(_ value: Float) -> Int { min(max(Int(saturating: Double(value)), 0), extent) }
        return place(start)..<max(place(start), place(end))
    }

    /// A point between two elements; none for one outside of the map.
    private typealias Point = [(index: Int, weight: Float)]

    /// The points of each part.
    private func points(
        _ start: Float, _ end: Float, count: Int, extent: Int, _ alignment: Alignment
    ) throws -> [[Point]] {
        let offset: Float = alignment.isHalfPixel ? 0.5 : 0
        let first = start * scale - offset
        var length = end * scale - offset - first
        if !alignment.isHalfPixel { length = max(length, 1) }
        let bin = length / Float(count)
        let samples = alignment.samples ?? Int(saturating: Double(bin.rounded(.up)))
        guard samples <= 1 << 16, extent > 0 else {
            throw ModelError("a region from \(start) to \(end) is too large for a map of \(extent) elements")
        }
        return (0..<count).map { part in
            (0..<max(samples, 0)).map { sample in
                var place = first + Float(part) * bin + (Float(sample) + 0.5) * bin / Float(samples)
                guard place >= -1, place <= Float(extent) else { return [] }
                place = max(place, 0)
                let low = min(Int(place), extent - 1), high = min(low + 1, extent - 1)
                let fraction = low == extent - 1 ? 0 : place - Float(low)
                return [(low, 1 - fraction), (high, fraction)]
            }
        }
    }

    private static func combined(_ row: Point, _ column: Point, _ mapWidth: Int) -> Point {
        row.flatMap { y in column.map { (y.index * mapWidth + $0.index, y.weight * $0.weight) } }
    }
}
