import TensorCore

// result[n, o, r] = stage(Σ weights[o, c, t] · source[n, c, r · stride − pad + t · dilation])
// over the channels c of o's group and the taps t, with the zero point taken off the source

extension ConvolutionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        return operands[0].dataType == .float32
            ? [try convolve(operands, type.shape, in: Double.self)]
            : [try convolve(operands, type.shape, in: WrappingInt32.self)]
    }

    private func convolve<Sum: Accumulator>(_ operands: [Tensor], _ shape: Shape, in: Sum.Type) throws -> Tensor {
        let centered = sourceZeroPoint == 0 ? operands[0] : operands[0].centered(on: sourceZeroPoint)
        let source = try Sum.widening(centered, "source"), weights = try Sum.widening(operands[1], "weights")
        let window = try SlidingWindow(
            source: operands[0].shape, result: shape, window: Array(operands[1].shape.dimensions[2...]),
            strides: strides, dilations: dilations, padsBegin: padsBegin)
        let outputs = shape[1], channelsPerGroup = operands[1].shape[1], outputsPerGroup = outputs / groups
        let (taps, stride) = (window.taps, window.width.stride)

        var sums = [Sum](repeating: .zero, count: shape.elementCount)
        sums.withUnsafeMutableBufferPointer { sums in
            source.withUnsafeBufferPointer { source in
                weights.withUnsafeBufferPointer { weights in
                    guard let sums = sums.baseAddress, let source = source.baseAddress,
                        let weights = weights.baseAddress
                    else { return }
                    for image in 0..<shape[0] {
                        for output in 0..<outputs {
                            let plane = sums + (image * outputs + output) * window.resultCount
                            let firstChannel = (image * groups + output / outputsPerGroup) * channelsPerGroup
                            for channel in 0..<channelsPerGroup {
                                let channelSource = source + (firstChannel + channel) * window.sourceCount
                                let channelWeights = weights + (output * channelsPerGroup + channel) * taps
                                window.forEachRow { tap, from, to, count in
                                    Sum.add(
                                        channelWeights[tap], times: channelSource + from, stride: stride,
                                        to: plane + to, count: count)
                                }
                            }
                        }
                    }
                }
            }
        }
        return try stage.finish(
            sums, bias: stage.bias(of: operands), residual: stage.residual(of: operands), shape: shape)
    }
}

extension Tensor {
    /// Codes less their zero point, as int32.
    fileprivate func centered(on zeroPoint: Int) -> Tensor {
        Tensor(asInts().map { Int32(clamping: $0 - zeroPoint) }, shape: shape)
    }
}
