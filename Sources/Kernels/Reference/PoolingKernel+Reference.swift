import TensorCore

// max: result = max of the elements under the window; average: result = (Σ of the elements under the window) / count

extension PoolingKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let slide = try SlidingWindow(
            source: operands[0].shape, result: type.shape, window: window, strides: strides,
            dilations: window.map { _ in 1 }, padsBegin: padsBegin)
        let source = operands[0].floats()
        let values = kind == .max ? maxima(source, slide, type.shape) : averages(source, slide, type.shape)
        return [try Tensor(rounding: values, to: type.dataType, shape: type.shape)]
    }

    private func maxima(_ source: [Float], _ slide: SlidingWindow, _ shape: Shape) -> [Float] {
        var maxima = [Float](repeating: -.infinity, count: shape.elementCount)
        let stride = slide.width.stride
        for plane in 0..<shape[0] * shape[1] {
            let (sources, results) = (plane * slide.sourceCount, plane * slide.resultCount)
            slide.forEachRow { _, from, to, count in
                for index in 0..<count {
                    let element = source[sources + from + index * stride]
                    if element > maxima[results + to + index] { maxima[results + to + index] = element }
                }
            }
        }
        return maxima
    }

    private func averages(_ source: [Float], _ slide: SlidingWindow, _ shape: Shape) -> [Float] {
        var sums = [Double](repeating: 0, count: shape.elementCount)
        let stride = slide.width.stride
        for plane in 0..<shape[0] * shape[1] {
            let (sources, results) = (plane * slide.sourceCount, plane * slide.resultCount)
            slide.forEachRow { _, from, to, count in
                for index in 0..<count {
                    sums[results + to + index] += Double(source[sources + from + index * stride])
                }
            }
        }
        let counts = countsUnderWindow(slide)
        return sums.indices.map { Float(sums[$0]) / max(counts[$0 % slide.resultCount], 1) }
    }

    /// What the sum of each result of a plane is divided by.
    private func countsUnderWindow(_ slide: SlidingWindow) -> [Float] {
        var counts = [Float](repeating: 0, count: slide.resultCount)
        var counted = slide
        if kind == .averageIncludingPadding {
            // Seen from the padding's first element, the counted padding is as good as an element.
            func widen(_ axis: inout SlidingWindow.Axis, _ index: Int) {
                guard index >= 0 else { return }
                axis.source += padsBegin[index] + countedPadsEnd[index]
                axis.padBegin = 0
            }
            widen(&counted.depth, window.count - 3)
            widen(&counted.height, window.count - 2)
            widen(&counted.width, window.count - 1)
        }
        counted.forEachRow { _, _, to, count in
            for index in to..<to + count { counts[index] += 1 }
        }
        return counts
    }
}
