import Foundation
import TensorCore

// These move elements of any type: bytes are copied, a run at a time where elements that follow each other stay so.

extension StridedViewKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        return [
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                operands[0].withBytes { source in
                    guard let source = source.baseAddress, let target = target.baseAddress, type.byteCount > 0 else {
                        return
                    }
                    switch type.dataType.byteWidth {
                    case 1: copy(UInt8.self, from: source, to: target)
                    case 2: copy(UInt16.self, from: source, to: target)
                    case 4: copy(UInt32.self, from: source, to: target)
                    default: copy(UInt64.self, from: source, to: target)
                    }
                }
            }
        ]
    }

    /// Copies elements as wide as `Word`.
    private func copy<Word: BitwiseCopyable>(
        _ word: Word.Type, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer
    ) {
        let width = MemoryLayout<Word>.size
        let axes = mergedAxes
        let (count, stride) = axes.last ?? (extent: 1, stride: 1)
        let outer = Odometer(axes.dropLast())
        var row = target
        outer.forEach { position in
            let start = source + (offset + position) * width
            if stride == 1 {
                row.copyMemory(from: start, byteCount: count * width)
            } else {
                for index in 0..<count {
                    let element = start.loadUnaligned(fromByteOffset: index * stride * width, as: Word.self)
                    row.storeBytes(of: element, toByteOffset: index * width, as: Word.self)
                }
            }
            row += count * width
        }
    }
}

/// Counts through the positions of axes, the last one fastest.
struct Odometer {
    private let extents: [Int]
    private let strides: [Int]

    init(_ axes: some Sequence<(extent: Int, stride: Int)>) {
        extents = axes.map(\.extent)
        strides = axes.map(\.stride)
    }

    /// Calls `body` with Σ index · stride of each position.
    func forEach(_ body: (Int) -> Void) {
        if extents.contains(0) { return }
        var indices = [Int](repeating: 0, count: extents.count)
        var position = 0
        while true {
            body(position)
            var axis = extents.count - 1
            while axis >= 0 {
                indices[axis] += 1
                position += strides[axis]
                if indices[axis] < extents[axis] { break }
                position -= extents[axis] * strides[axis]
                indices[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}

extension ConcatenateKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let blocks = type.shape.dimensions.prefix(axis).reduce(1, *)
        let pitch = blocks == 0 ? 0 : type.byteCount / blocks
        return [
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                guard let target = target.baseAddress, type.byteCount > 0 else { return }
                var start = 0
                for operand in operands {
                    let run = operand.byteCount / blocks
                    operand.withBytes { source in
                        guard let source = source.baseAddress, run > 0 else { return }
                        for block in 0..<blocks {
                            (target + block * pitch + start).copyMemory(from: source + block * run, byteCount: run)
                        }
                    }
                    start += run
                }
            }
        ]
    }
}

extension PadKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].reshaped(operands[0].shape.rank == 0 ? [1] : operands[0].shape)
        let width = type.dataType.byteWidth
        let tables =
            operands[0].shape.rank == 0
            ? [[0]] : source.shape.dimensions.indices.map { sources(axis: $0, extent: source.shape[$0]) }
        let strides = source.shape.strides
        let last = tables.count - 1, extent = source.shape[last], row = tables[last]
        let before = begin.last ?? 0
        return [
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                source.withBytes { source in
                    guard let target = target.baseAddress, type.byteCount > 0 else { return }
                    // The rows of the source, and how they are reached: −1 for rows of the border.
                    var starts = [0]
                    for (table, stride) in zip(tables, strides).dropLast() {
                        starts = starts.flatMap { start in
                            table.map { start < 0 || $0 < 0 ? -1 : start + $0 * stride }
                        }
                    }
                    for (line, start) in starts.enumerated() {
                        let line = target + line * row.count * width
                        func place(_ range: Range<Int>) {
                            for index in range {
                                let element = line + index * width
                                if start < 0 || row[index] < 0 {
                                    fill(element, width)
                                } else if let source = source.baseAddress {
                                    element.copyMemory(from: source + (start + row[index]) * width, byteCount: width)
                                }
                            }
                        }
                        guard start >= 0, let source = source.baseAddress, extent > 0 else {
                            place(row.indices)
                            continue
                        }
                        place(0..<before)
                        (line + before * width).copyMemory(from: source + start * width, byteCount: extent * width)
                        place(before + extent..<row.count)
                    }
                }
            }
        ]
    }

    private func fill(_ element: UnsafeMutableRawPointer, _ width: Int) {
        guard case .constant(let bits) = mode else { return }
        for byte in 0..<width {
            element.storeBytes(
                of: UInt8(truncatingIfNeeded: bits >> (8 * UInt64(byte))), toByteOffset: byte, as: UInt8.self)
        }
    }
}

extension TriangleKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let rank = type.shape.rank, width = type.dataType.byteWidth
        let (rows, columns) = (type.shape[rank - 2], type.shape[rank - 1])
        return [
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                operands[0].withBytes { source in
                    guard let source = source.baseAddress, let target = target.baseAddress, type.byteCount > 0 else {
                        return
                    }
                    memset(target, 0, type.byteCount)
                    for line in 0..<type.shape.elementCount / columns {
                        let kept = self.columns(ofRow: line % rows, count: columns)
                        let start = (line * columns + kept.lowerBound) * width
                        (target + start).copyMemory(from: source + start, byteCount: kept.count * width)
                    }
                }
            }
        ]
    }
}

extension ReverseSequenceKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let (steps, batch) = (type.shape[0], type.shape[1])
        let lengths = operands[1].asInts().map { min(max($0, 0), steps) }
        return [
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                operands[0].withBytes { source in
                    guard let source = source.baseAddress, let target = target.baseAddress, type.byteCount > 0 else {
                        return
                    }
                    let run = type.byteCount / (steps * batch)
                    for step in 0..<steps {
                        for sequence in 0..<batch {
                            let origin = step < lengths[sequence] ? lengths[sequence] - 1 - step : step
                            (target + (step * batch + sequence) * run)
                                .copyMemory(from: source + (origin * batch + sequence) * run, byteCount: run)
                        }
                    }
                }
            }
        ]
    }
}
