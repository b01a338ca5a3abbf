import TensorCore

// result[n, o, s · stride − pad + t · dilation] += weights[c, o, t] · source[n, c, s], then stage
// over the channels c of o's group and the taps t

extension DeconvolutionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = try resultTypes(operands.map(\.type))[0].shape
        let sourceShape = operands[0].shape, weightShape = operands[1].shape
        let source = try Double.widening(operands[0], "source"), weights = try Double.widening(operands[1], "weights")
        // Seen from the result, it is a convolution: the window slides over the result.
        let window = try SlidingWindow(
            source: shape, result: sourceShape, window: Array(weightShape.dimensions[2...]), strides: strides,
            dilations: dilations, padsBegin: padsBegin)
        let channels = sourceShape[1], outputsPerGroup = weightShape[1], channelsPerGroup = channels / groups
        let (taps, stride) = (window.taps, window.width.stride)

        var sums = [Double](repeating: 0, count: shape.elementCount)
        sums.withUnsafeMutableBufferPointer { sums in
            for image in 0..<sourceShape[0] {
                for channel in 0..<channels {
                    let plane = (image * channels + channel) * window.resultCount
                    let firstOutput = (image * groups + channel / channelsPerGroup) * outputsPerGroup
                    for output in 0..<outputsPerGroup {
                        let firstTap = (channel * outputsPerGroup + output) * taps
                        let target = (firstOutput + output) * window.sourceCount
                        window.forEachRow { tap, from, to, count in
                            let weight = weights[firstTap + tap]
                            for index in 0..<count {
                                sums[target + from + index * stride] += weight * source[plane + to + index]
                            }
                        }
                    }
                }
            }
        }
        return [
            try stage.finish(
                sums, bias: stage.bias(of: operands), residual: stage.residual(of: operands), shape: shape)
        ]
    }
}
