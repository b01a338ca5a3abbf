import Foundation
import TensorCore

extension ReductionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let lines = try ReducedLines(operands[0].shape, axes: axes)
        if type.dataType == .float32 {
            let values = operands[0].floats()
            let results =
                switch operation {
                case .sum: lines.reduce(values, with: Sum())
                case .mean: lines.reduce(values, with: Sum()).map { $0 / Double(lines.offsets.count) }
                case .product: lines.reduce(values, with: Product())
                case .maximum: lines.reduce(values, with: Extreme(sign: 1))
                case .minimum: lines.reduce(values, with: Extreme(sign: -1)).map { -$0 }
                case .absoluteSum: lines.reduce(values, with: AbsoluteSum())
                case .euclideanNorm: lines.reduce(values, with: SumOfSquares()).map { $0.squareRoot() }
                case .sumOfSquares: lines.reduce(values, with: SumOfSquares())
                case .logSum: lines.reduce(values, with: Sum()).map { log($0) }
                case .logSumExp: lines.reduce(values, with: SumOfExponentials()).map { log($0.sum) + $0.largest }
                case .sumSkippingNaN: lines.reduce(values.map { $0.isNaN ? 0 : $0 }, with: Sum())
                case .productSkippingNaN: lines.reduce(values.map { $0.isNaN ? 1 : $0 }, with: Product())
                }
            return [Tensor(results.map { Float($0) }, shape: type.shape)]
        }
        let values = operands[0].asInts()
        let count = lines.offsets.count
        let results =
            switch operation {
            case .sum, .sumSkippingNaN: lines.reduce(values, 0) { $0 &+ $1 }
            case .mean: lines.reduce(values, 0) { $0 &+ $1 }.map { count == 0 ? 0 : $0 / count }
            case .product, .productSkippingNaN: lines.reduce(values, 1) { $0 &* $1 }
            case .maximum: lines.reduce(values, .min) { max($0, $1) }
            case .minimum: lines.reduce(values, .max) { min($0, $1) }
            case .absoluteSum: lines.reduce(values, 0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
            case .sumOfSquares: lines.reduce(values, 0) { $0 &+ $1 &* $1 }
            case .euclideanNorm:
                lines.reduce(values, 0) { $0 &+ $1 &* $1 }.map { Int(saturating: Double($0).squareRoot()) }
            case .logSum, .logSumExp:
                throw ModelError("\(operation.rawValue) of \(type.dataType) is not a whole number")
            }
        return [Tensor(wholeNumbers: results, type)]
    }
}

/// The elements that become one: those at `starts[i] + offsets[…]`.
private struct ReducedLines {
    let starts: [Int]
    let offsets: [Int]

    init(_ shape: Shape, axes: [Int]) throws {
        let reduced = try shape.normalized(axes: axes), strides = shape.strides
        let kept = shape.dimensions.indices.filter { !reduced.contains($0) }
        starts = Array(StridedOffsets(Shape(kept.map { shape[$0] }), strides: kept.map { strides[$0] }))
        offsets = Array(StridedOffsets(Shape(reduced.map { shape[$0] }), strides: reduced.map { strides[$0] }))
    }

    func reduce<R: Reducer>(_ values: [Float], with initial: R) -> [R.Result] {
        values.withUnsafeBufferPointer { values in
            starts.map { start in
                var reducer = initial
                for offset in offsets { reducer.add(Double(values[start + offset])) }
                return reducer.result
            }
        }
    }

    @inline(__always)
    func reduce(_ values: [Int], _ initial: Int, _ combine: (Int, Int) -> Int) -> [Int] {
        starts.map { start in
            var result = initial
            for offset in offsets { result = combine(result, values[start + offset]) }
            return result
        }
    }
}

private protocol Reducer {
    associatedtype Result
    mutating func add(_ value: Double)
    var result: Result { get }
}

private struct Sum: Reducer {
    var result = 0.0
    mutating func add(_ value: Double) { result += value }
}

private struct Product: Reducer {
    var result = 1.0
    mutating func add(_ value: Double) { result *= value }
}

private struct AbsoluteSum: Reducer {
    var result = 0.0
    mutating func add(_ value: Double) { result += abs(value) }
}

private struct SumOfSquares: Reducer {
    var result = 0.0
    mutating func add(_ value: Double) { result += value * value }
}

/// The largest of sign · x; NaN if one is NaN.
private struct Extreme: Reducer {
    let sign: Double
    var result = -Double.infinity

    init(sign: Double) { self.sign = sign }

    mutating func add(_ value: Double) {
        if value * sign > result || value.isNaN { result = value * sign }
    }
}

/// Σ exp(x − largest).
private struct SumOfExponentials: Reducer {
    var result = (sum: 0.0, largest: -Double.infinity)

    mutating func add(_ value: Double) {
        if value > result.largest {
            let scale = result.largest.isInfinite ? 0 : exp(result.largest - value)
            result = (result.sum * scale + 1, value)
        } else if value > -.infinity || value.isNaN {
            result.sum += exp(value - result.largest)
        }
    }
}

extension ArgReductionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].shape
        let axis = try source.normalized(axes: [axis])[0]
        let isFloat = operands[0].dataType.isFloatingPoint
        let results: [Int] =
            switch (isFloat, findsLargest) {
            case (true, true): indices(operands[0].floats(), source, axis) { $0 > $1 || $0.isNaN && !$1.isNaN }
            case (true, false): indices(operands[0].floats(), source, axis) { $0 < $1 || $0.isNaN && !$1.isNaN }
            case (false, true): indices(operands[0].asInts(), source, axis) { $0 > $1 }
            case (false, false): indices(operands[0].asInts(), source, axis) { $0 < $1 }
            }
        return [Tensor(wholeNumbers: results, type)]
    }

    @inline(__always)
    private func indices<Element: Equatable>(
        _ values: [Element], _ shape: Shape, _ axis: Int, _ isBetter: (Element, Element) -> Bool
    ) -> [Int] {
        let (starts, step) = shape.lines(along: axis)
        return starts.map { start in
            var best = 0
            for index in 1..<max(shape[axis], 1) {
                let (candidate, current) = (values[start + index * step], values[start + best * step])
                if isBetter(candidate, current) || takesLast && candidate == current { best = index }
            }
            return best
        }
    }
}

extension CumulativeSumKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = operands[0].type
        let axis = try type.shape.normalized(axes: [axis])[0]
        if type.dataType == .float32 {
            let sums = sums(operands[0].floats().map { Double($0) }, type.shape, axis) { $0 + $1 }
            return [Tensor(sums.map { Float($0) }, shape: type.shape)]
        }
        let sums = sums(operands[0].asInts(), type.shape, axis) { $0 &+ $1 }
        return [Tensor(wholeNumbers: sums, type)]
    }

    @inline(__always)
    private func sums<Element: Numeric>(
        _ values: [Element], _ shape: Shape, _ axis: Int, _ add: (Element, Element) -> Element
    ) -> [Element] {
        var result = values
        let (starts, step) = shape.lines(along: axis)
        let extent = shape[axis]
        for start in starts {
            var sum: Element = 0
            for index in 0..<extent {
                let position = start + (isReversed ? extent - 1 - index : index) * step
                let next = add(sum, values[position])
                result[position] = isExclusive ? sum : next
                sum = next
            }
        }
        return result
    }
}

extension Tensor {
    /// A tensor of whole numbers as a type that need not be one; what it cannot hold becomes the nearest that it can.
    init(wholeNumbers values: [Int], _ type: TensorType) {
        self = Tensor(values.map { Int64($0) }, shape: type.shape).converted(to: type.dataType)
    }
}
