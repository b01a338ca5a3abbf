import Foundation
import TensorCore

extension ActivationKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let source = operands[0]
        return [try Tensor(rounding: source.floats().map { function($0) }, to: source.dataType, shape: source.shape)]
    }
}

extension ScaledAddKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let sums = zip(operands[0].floats(), operands[1].floats()).map { a, b in
            let sum = a * scaleA + b * scaleB
            return relu ? max(sum, 0) : sum
        }
        return [try Tensor(rounding: sums, to: type.dataType, shape: type.shape)]
    }
}

extension ScaleShiftKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let scale = operands[1].floats(), shift = operands[2].floats()
        var values = operands[0].floats()
        let channels = type.shape[1], inner = type.shape.dimensions[2...].reduce(1, *)
        for plane in 0..<type.shape[0] * channels {
            let (factor, summand) = (scale[plane % channels], shift[plane % channels])
            for index in plane * inner..<(plane + 1) * inner { values[index] = values[index] * factor + summand }
        }
        return [Tensor(values, shape: type.shape)]
    }
}

extension SoftmaxKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = operands[0].shape
        guard let axis = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(self.axis)") }
        var values = operands[0].floats()
        let extent = shape[axis], inner = shape.strides[axis]
        for line in 0..<(extent == 0 ? 0 : shape.elementCount / extent) {
            let start = line / inner * extent * inner + line % inner
            let indices = stride(from: start, to: start + extent * inner, by: inner)
            let largest = indices.reduce(-Float.infinity) { max($0, values[$1]) }
            let exponentials = indices.map { exp(Double(values[$0] - largest)) }
            let sum = exponentials.reduce(0, +)
            if isLogarithm {
                let shift = log(sum)
                for index in indices { values[index] = Float(Double(values[index] - largest) - shift) }
            } else {
                for (index, exponential) in zip(indices, exponentials) { values[index] = Float(exponential / sum) }
            }
        }
        return [Tensor(values, shape: shape)]
    }
}

extension ReshapeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        [operands[0].reshaped(try resultTypes(operands.map(\.type))[0].shape)]
    }
}

extension ReinterpretKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        guard operands[0].dataType.byteWidth == dataType.byteWidth else {
            throw ModelError("\(operands[0].dataType) cannot be read as \(dataType): their widths differ")
        }
        return [operands[0].reinterpreted(as: dataType)]
    }
}
