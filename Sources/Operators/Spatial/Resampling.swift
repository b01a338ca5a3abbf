import Foundation
import GraphIR
import Kernels
import TensorCore

// The tables of separable resizings: for each result the place in the source that it comes from, and the elements around.

extension ResamplingAxis {
    /// The element that contains each result: result / scale.
    static func repeated(_ extent: Int, scale: Int) -> ResamplingAxis {
        var axis = ResamplingAxis()
        for index in 0..<extent * scale { axis.append([(index / scale, 1)]) }
        return axis
    }

    /// Straight lines between elements (src/operator/contrib/bilinear_resize.cc): with aligned corners, the outermost
    /// elements are the outermost results; otherwise the edges of the images coincide.
    static func linear(from source: Int, to result: Int, alignsCorners: Bool) -> ResamplingAxis {
        let scale: Double
        if alignsCorners {
            scale = result > 1 ? Double(source - 1) / Double(result - 1) : 0
        } else {
            scale = Double(source) / Double(max(result, 1))
        }
        var axis = ResamplingAxis()
        for index in 0..<result {
            let place = alignsCorners ? scale * Double(index) : max(scale * (Double(index) + 0.5) - 0.5, 0)
            let first = min(Int(place), source - 1)
            let fraction = Float(place - Double(first))
            axis.append([(first, 1 - fraction), (min(first + 1, source - 1), fraction)])
        }
        return axis
    }

    /// The mean of the elements that a result covers, those that it covers in part included
    /// (src/operator/contrib/adaptive_avg_pooling.cc).
    static func adaptiveMean(from source: Int, to result: Int) -> ResamplingAxis {
        var axis = ResamplingAxis()
        for index in 0..<result {
            let first = index * source / result, end = ((index + 1) * source + result - 1) / result
            axis.append((first..<end).map { ($0, 1 / Float(end - first)) })
        }
        return axis
    }
}

extension Lowering {
    /// Appends a resampling of the last axes of a float tensor and makes it the node's result.
    mutating func resample(_ node: NodeReader, _ tables: [ResamplingAxis]) throws {
        let source = try floatValue(node, 0)
        let rank = type(of: LoweredValue(source)).shape.rank
        let axes = [ResamplingAxis?](repeating: nil, count: rank - tables.count) + tables
        define(node, LoweredValue(try add(ResamplingKernel(axes: axes), [source], node)))
    }
}

extension NodeReader {
    /// The shape of an input that has to be N×C×H×W; nil if it is not known yet.
    func imageShape(_ input: Int = 0) throws -> Shape? {
        guard let shape = try type(input).shape else { return nil }
        // So that a product with a factor does not overflow.
        guard shape.rank == 4, shape.elementCount > 0, shape.dimensions.allSatisfy({ $0 <= 1 << 40 }) else {
            throw ModelError("needs images of N×C×H×W, but its input \(input) is \(shape)")
        }
        return shape
    }

    /// The same where it is known.
    func knownImageShape(_ input: Int = 0) throws -> Shape {
        guard let shape = try imageShape(input) else { return try shape(input) }
        return shape
    }
}
