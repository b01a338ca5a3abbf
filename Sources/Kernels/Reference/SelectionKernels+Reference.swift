import TensorCore

extension TopKKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let shape = operands[0].shape
        let axis = try shape.normalized(axes: [axis])[0]
        let isFloat = operands[0].dataType.isFloatingPoint
        let order =
            switch (isFloat, isLargest) {
            case (true, true): order(operands[0].floats(), shape, axis) { $0 > $1 || $0.isNaN && !$1.isNaN }
            case (true, false): order(operands[0].floats(), shape, axis) { $0 < $1 || $1.isNaN && !$0.isNaN }
            case (false, true): order(operands[0].asInts(), shape, axis) { $0 > $1 }
            case (false, false): order(operands[0].asInts(), shape, axis) { $0 < $1 }
            }
        let indices = Tensor(wholeNumbers: order, TensorType(.int64, types[1].shape))
        let values = try GatherElementsKernel(axis: axis, mode: .raise).evaluate([operands[0], indices])
        return values + [indices.converted(to: indexType)]
    }

    /// For each element of the result its index in the line.
    @inline(__always)
    private func order<Element>(
        _ values: [Element], _ shape: Shape, _ axis: Int, _ isBetter: (Element, Element) -> Bool
    ) -> [Int] {
        let result = shape.replacing(axis: axis, with: count)
        var order = [Int](repeating: 0, count: result.elementCount)
        guard !order.isEmpty else { return order }
        let (starts, step) = shape.lines(along: axis)
        let targets = result.lines(along: axis)
        for (start, target) in zip(starts, targets.starts) {
            // Swift's sort is stable, but does not promise it: the index decides between equals.
            let sorted = (0..<shape[axis]).sorted { a, b in
                let (x, y) = (values[start + a * step], values[start + b * step])
                return isBetter(x, y) || !isBetter(y, x) && a < b
            }
            for position in 0..<count { order[target + position * targets.step] = sorted[position] }
        }
        return order
    }
}

extension OneHotKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let place = axis < 0 ? axis + type.shape.rank : axis
        let indices = operands[0].asInts()
        let inner = operands[0].shape.dimensions[place...].reduce(1, *)
        var isOn = [Int](repeating: 0, count: type.shape.elementCount)
        for (position, index) in indices.enumerated() {
            let column = countsFromEnd && index < 0 ? index &+ depth : index
            guard 0..<depth ~= column else { continue }
            let (block, rest) = position.quotientAndRemainder(dividingBy: inner)
            isOn[(block * depth + column) * inner + rest] = 1
        }
        return [operands[1].gatheringBlocks(at: isOn, ofElements: 1, shape: type.shape)]
    }
}

extension SequenceKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].shape, lengths = operands[1].asInts()
        let steps = source[axis], batch = source[1 - axis]
        let inner = source.dimensions[2...].reduce(1, *)
        func start(_ step: Int, _ sequence: Int) -> Int {
            (axis == 0 ? step * batch + sequence : sequence * steps + step) * inner
        }
        switch operation {
        case .last:
            let starts = try lengths.enumerated().map { sequence, length in
                guard 1...max(steps, 1) ~= length, steps > 0 else {
                    throw ModelError("a sequence of \(steps) steps has no step \(length)")
                }
                return start(length - 1, sequence)
            }
            return [operands[0].gatheringBlocks(at: starts, ofElements: inner, shape: type.shape)]
        case .reverse:
            let starts = (0..<steps * batch).map { block in
                let (step, sequence) = axis == 0 ? (block / batch, block % batch) : (block % steps, block / steps)
                let length = min(lengths[sequence], steps)
                return start(step < length ? length - 1 - step : step, sequence)
            }
            return [operands[0].gatheringBlocks(at: starts, ofElements: inner, shape: type.shape)]
        case .mask(let value):
            let filling = Tensor([value]).converted(to: type.dataType)
            let width = type.dataType.byteWidth
            return [
                Tensor(dataType: type.dataType, shape: type.shape) { target in
                    operands[0].withBytes { target.copyMemory(from: $0) }
                    filling.withBytes { filling in
                        for sequence in 0..<batch {
                            for step in max(0, min(lengths[sequence], steps))..<steps {
                                for element in start(step, sequence)..<start(step, sequence) + inner {
                                    UnsafeMutableRawBufferPointer(rebasing: target[(element * width)...])
                                        .copyMemory(from: filling)
                                }
                            }
                        }
                    }
                }
            ]
        }
    }
}
