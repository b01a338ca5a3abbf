import Foundation
import TensorCore

// max: result = max of the elements under the window, the smallest finite number if there is none
// average: result = (Σ of the elements under the window) / count, 0 if there is none
// norm: result = (Σ |element|^power)^(1 / power), or of signed powers

extension PoolingKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let slide = try SlidingWindow(
            source: operands[0].shape, result: type.shape, window: window, strides: strides, dilations: dilations,
            padsBegin: padsBegin)
        let source = operands[0].floats()
        let values: [Float] =
            switch kind {
            case .max, .maxIncludingPadding: maxima(source, slide, type.shape)
            case .averageIncludingPadding, .averageExcludingPadding: averages(source, slide, type.shape)
            case .sum: sums(source, slide, type.shape).map(Float.init)
            case .norm(let power, let ofMagnitudes): norms(source, slide, type.shape, power, ofMagnitudes)
            }
        return [try Tensor(rounding: values, to: type.dataType, shape: type.shape)]
    }

    private func maxima(_ source: [Float], _ slide: SlidingWindow, _ shape: Shape) -> [Float] {
        var maxima = [Float](repeating: -.greatestFiniteMagnitude, count: shape.elementCount)
        if kind == .maxIncludingPadding {
            let elements = slide.taps
            let counts = coverage(slide)
            for index in maxima.indices where counts[index % slide.resultCount] < Float(elements) { maxima[index] = 0 }
        }
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
        let sums = sums(source, slide, shape)
        let counts = countsUnderWindow(slide)
        return sums.indices.map { Float(sums[$0]) / max(counts[$0 % slide.resultCount], 1) }
    }

    private func norms(
        _ source: [Float], _ slide: SlidingWindow, _ shape: Shape, _ power: Int, _ ofMagnitudes: Bool
    ) -> [Float] {
        let isSigned = !ofMagnitudes && power % 2 == 1
        let powers = source.map { value in
            let power = Float(pow(Double(abs(value)), Double(power)))
            return isSigned && value < 0 ? -power : power
        }
        return sums(powers, slide, shape).map { sum in
            let root = Float(pow(abs(sum), 1 / Double(power)))
            return sum < 0 ? -root : root
        }
    }

    private func sums(_ source: [Float], _ slide: SlidingWindow, _ shape: Shape) -> [Double] {
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
        return sums
    }

    /// What the sum of each result of a plane is divided by.
    private func countsUnderWindow(_ slide: SlidingWindow) -> [Float] {
        guard kind == .averageIncludingPadding else { return coverage(slide) }
        var counted = slide
        // Seen from the padding's first element, the counted padding is as good as an element.
        func widen(_ axis: inout SlidingWindow.Axis, _ index: Int) {
            guard index >= 0 else { return }
            axis.source += padsBegin[index] + countedPadsEnd[index]
            axis.padBegin = 0
        }
        widen(&counted.depth, window.count - 3)
        widen(&counted.height, window.count - 2)
        widen(&counted.width, window.count - 1)
        return coverage(counted)
    }

    /// How many elements lie under the window of each result of a plane.
    private func coverage(_ slide: SlidingWindow) -> [Float] {
        var counts = [Float](repeating: 0, count: slide.resultCount)
        slide.forEachRow { _, _, to, count in
            for index in to..<to + count { counts[index] += 1 }
        }
        return counts
    }
}
