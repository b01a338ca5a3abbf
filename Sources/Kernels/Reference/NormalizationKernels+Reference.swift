import Foundation
import TensorCore

// Seen from the axes, a tensor is outer × extent × inner.

extension NormalizationKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let shape = operands[0].shape
        let extent = shape.dimensions[axes].reduce(1, *)
        let inner = shape.dimensions[axes.upperBound...].reduce(1, *)
        let lines = extent == 0 ? 0 : shape.elementCount / extent
        var values = operands[0].floats()
        var means = [Float](repeating: 0, count: lines), deviations = [Float](repeating: 1, count: lines)
        values.withUnsafeMutableBufferPointer { values in
            for line in 0..<lines {
                let start = line / inner * extent * inner + line % inner
                let indices = stride(from: start, to: start + extent * inner, by: inner)
                var mean = 0.0, size = 0.0
                if measure == .standard {
                    for index in indices { mean += Double(values[index]) }
                    mean /= Double(extent)
                }
                if measure == .absoluteSum {
                    for index in indices { size += Double(abs(values[index])) }
                } else {
                    for index in indices {
                        let distance = Double(values[index]) - mean
                        size += distance * distance
                    }
                }
                let divisor: Double =
                    switch measure {
                    case .standard, .rootMeanSquare: (size / Double(extent) + Double(epsilon)).squareRoot()
                    case .euclidean: (size + Double(epsilon)).squareRoot()
                    case .absoluteSum: size
                    }
                // A line of zeros stays one, where there is no epsilon.
                let factor = divisor == 0 ? 0 : 1 / divisor
                for index in indices { values[index] = Float((Double(values[index]) - mean) * factor) }
                means[line] = Float(mean)
                deviations[line] = Float(divisor)
            }
        }
        let result = Tensor(values, shape: shape)
        guard givesStatistics else { return [result] }
        guard lines == types[1].shape.elementCount else {
            throw ModelError("there is nothing to normalize in \(shape)")
        }
        return [result, Tensor(means, shape: types[1].shape), Tensor(deviations, shape: types[2].shape)]
    }
}

extension LocalResponseKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let shape = operands[0].shape, channels = shape[1], inner = shape.dimensions[2...].reduce(1, *)
        let source = operands[0].floats()
        var results = source
        results.withUnsafeMutableBufferPointer { results in
            for image in 0..<shape[0] {
                for channel in 0..<channels {
                    let neighbours = max(channel - size / 2, 0)...min(channel + size / 2, channels - 1)
                    for position in 0..<inner {
                        var sum = 0.0
                        for neighbour in neighbours {
                            let value = Double(source[(image * channels + neighbour) * inner + position])
                            sum += value * value
                        }
                        let index = (image * channels + channel) * inner + position
                        let base = Double(bias) + Double(alpha) / Double(size) * sum
                        results[index] = Float(Double(source[index]) * pow(base, -Double(beta)))
                    }
                }
            }
        }
        return [Tensor(results, shape: shape)]
    }
}
