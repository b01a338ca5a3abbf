import TensorCore

// columns[c, t, r] = mask · source[c, r · stride − pad + t · dilation + offset], interpolated; then
// result[o, r] = stage(Σ weights[o, c, t] · columns[c, t, r])

extension DeformableConvolutionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let shape = try resultTypes(operands.map(\.type))[0].shape
        let weightTensor = operands[hasMask ? 3 : 2]
        let source = operands[0].shape, weights = try Double.widening(weightTensor, "weights")
        let places = shape[2] * shape[3], taps = weightTensor.shape[2] * weightTensor.shape[3]
        let channelsPerGroup = weightTensor.shape[1]
        let outputsPerGroup = shape[1] / convolution.groups

        var sums = [Double](repeating: 0, count: shape.elementCount)
        for image in 0..<source[0] {
            let columns = columns(operands, image, shape, (weightTensor.shape[2], weightTensor.shape[3]))
            sums.withUnsafeMutableBufferPointer { sums in
                columns.withUnsafeBufferPointer { columns in
                    guard let sums = sums.baseAddress, let columns = columns.baseAddress else { return }
                    for output in 0..<shape[1] {
                        let firstChannel = output / outputsPerGroup * channelsPerGroup
                        for row in 0..<channelsPerGroup * taps {
                            Double.add(
                                weights[output * channelsPerGroup * taps + row],
                                times: columns + (firstChannel * taps + row) * places, stride: 1,
                                to: sums + (image * shape[1] + output) * places, count: places)
                        }
                    }
                }
            }
        }
        return [
            try convolution.stage.finish(
                sums, bias: convolution.stage.hasBias ? operands.last : nil, residual: nil, shape: shape)
        ]
    }

    /// What lies under the taps of one image: channels × taps × places.
    private func columns(
        _ operands: [Tensor], _ image: Int, _ shape: Shape, _ window: (height: Int, width: Int)
    ) -> [Double] {
        let source = operands[0].shape
        let (channels, height, width) = (source[1], source[2], source[3])
        let taps = window.height * window.width, places = shape[2] * shape[3]
        let values = operands[0].floats(), offsets = operands[1].floats(), mask = hasMask ? operands[2].floats() : []
        var columns = [Double](repeating: 0, count: channels * taps * places)
        let channelsPerGroup = channels / deformableGroups
        for group in 0..<deformableGroups {
            for tap in 0..<taps {
                let firstOffset = ((image * deformableGroups + group) * taps + tap) * 2 * places
                let firstMask = ((image * deformableGroups + group) * taps + tap) * places
                for place in 0..<places {
                    let y =
                        Float(
                            place / shape[3] * convolution.strides[0] - convolution.padsBegin[0]
                                + tap / window.width * convolution.dilations[0]) + offsets[firstOffset + place]
                    let x =
                        Float(
                            place % shape[3] * convolution.strides[1] - convolution.padsBegin[1]
                                + tap % window.width * convolution.dilations[1]) + offsets[firstOffset + places + place]
                    let corners = corners(y, x, height, width)
                    let factor = hasMask ? Double(mask[firstMask + place]) : 1
                    for channel in group * channelsPerGroup..<(group + 1) * channelsPerGroup {
                        let plane = (image * channels + channel) * height * width
                        var sum = 0.0
                        for corner in corners { sum += corner.weight * Double(values[plane + corner.offset]) }
                        columns[(channel * taps + tap) * places + place] = factor * sum
                    }
                }
            }
        }
        return columns
    }

    /// The elements around a place, and how much of each; none outside.
    private func corners(_ y: Float, _ x: Float, _ height: Int, _ width: Int) -> [(offset: Int, weight: Double)] {
        guard fadesOut ? y > -1 && x > -1 : y >= 0 && x >= 0, y < Float(height), x < Float(width) else { return [] }
        func around(_ position: Float, _ extent: Int) -> [(index: Int, weight: Double)] {
            let first = Int(position.rounded(.down)), fraction = Double(position - position.rounded(.down))
            if !fadesOut, first >= extent - 1 { return [(extent - 1, 1)] }
            return [(first, 1 - fraction), (first + 1, fraction)].filter { 0..<extent ~= $0.index && $0.weight != 0 }
        }
        let columns = around(x, width)
        return around(y, height).flatMap { row in
            columns.map { (row.index * width + $0.index, row.weight * $0.weight) }
        }
    }
}
