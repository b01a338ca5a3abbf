import TensorCore

extension OutputStage {
    /// t = (sum + bias) · scale[channel], then the post-operations, then rounding; `sums` are N×O×… in row-major order.
    func finish<Sum: Accumulator>(_ sums: [Sum], bias: Tensor?, residual: Tensor?, shape: Shape) throws -> Tensor {
        let channels = shape[1]
        guard scales.count <= 1 || scales.count == channels else {
            throw ModelError("\(scales.count) output scales do not fit \(channels) channels")
        }
        var sums = sums
        if let bias {
            let bias = try Sum.widening(bias, "bias")
            guard bias.count == channels else {
                throw ModelError("\(bias.count) biases do not fit \(channels) channels")
            }
            Self.forEachChannel(of: shape) { channel, range in
                for index in range { sums[index] = sums[index] + bias[channel] }
            }
        }
        // Beyond 2^24 a float32 would lose the last bits of sums that are asked for as they are.
        if outputType == .int32, scales.isEmpty, postOperations.isEmpty, let integers = sums as? [WrappingInt32] {
            return Tensor(integers.map(\.value), shape: shape)
        }
        var values = sums.map(\.asFloat)
        if !scales.isEmpty {
            Self.forEachChannel(of: shape) { channel, range in
                let scale = scales.count == 1 ? scales[0] : scales[channel]
                for index in range { values[index] *= scale }
            }
        }
        for operation in postOperations {
            switch operation {
            case .sum(let scale):
                guard let residual else { throw ModelError("there is nothing that a sum could add") }
                let summands = residual.floats()
                // Fused, as in oneDNN's code: rounding the product first would move results that are close to a tie.
                for index in values.indices { values[index] = values[index].addingProduct(scale, summands[index]) }
            case .activation(let function):
                for index in values.indices { values[index] = function(values[index]) }
            }
        }
        return try Tensor(rounding: values, to: outputType, shape: shape)
    }

    /// The element ranges that belong to one channel of one image.
    private static func forEachChannel(of shape: Shape, _ body: (_ channel: Int, Range<Int>) -> Void) {
        let inner = shape.dimensions[2...].reduce(1, *)
        for plane in 0..<shape[0] * shape[1] { body(plane % shape[1], plane * inner..<(plane + 1) * inner) }
    }
}
