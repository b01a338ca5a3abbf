import Foundation
import GraphIR
import Kernels
import TensorCore

/// The attributes of ONNX's Resize, and the tables that they mean (ONNX operators, Resize-19):
///
///     place in the source = coordinates(result index)  →  elements around it and their weights
struct ResizeForm {
    enum Mode: String, CaseIterable { case nearest, linear, cubic }

    enum Coordinates: String, CaseIterable {
        case asymmetric
        case halfPixel = "half_pixel"
        case halfPixelSymmetric = "half_pixel_symmetric"
        case pytorchHalfPixel = "pytorch_half_pixel"
        case alignCorners = "align_corners"
        case halfPixelForNearest = "tf_half_pixel_for_nn"
        case cropAndResize = "tf_crop_and_resize"
    }

    enum Rounding: String, CaseIterable {
        case preferFloor = "round_prefer_floor"
        case preferCeil = "round_prefer_ceil"
        case floor, ceil
    }

    enum AspectRatio: String, CaseIterable {
        case stretch
        case notLarger = "not_larger"
        case notSmaller = "not_smaller"
    }

    let mode: Mode
    let coordinates: Coordinates
    let rounding: Rounding
    let aspectRatio: AspectRatio
    let scales: [Float]
    let sizes: [Int]
    let roi: [Float]
    let axes: [Int]?
    let cubicCoefficient: Float
    let extrapolation: Float
    let excludesOutside: Bool
    let antialiases: Bool

    init(_ attributes: Attributes) throws {
        mode = attributes.text("mode") == "bilinear" ? .linear : try attributes.choice("mode", default: .nearest)
        coordinates = try attributes.choice("coordinate_transformation_mode", default: .halfPixel)
        rounding = try attributes.choice("nearest_mode", default: .preferFloor)
        aspectRatio = try attributes.choice("keep_aspect_ratio_policy", default: .stretch)
        func numbers(_ name: String) -> [Float] {
            switch attributes[name] {
            case .numbers(let values): values.map { Float($0) }
            case .integers(let values): values.map { Float($0) }
            default: []
            }
        }
        scales = numbers("scales")
        roi = numbers("roi")
        sizes = try attributes.extents("sizes") ?? []
        axes = try attributes.integers("axes")
        cubicCoefficient = Float(try attributes.number("cubic_coeff_a") ?? -0.75)
        extrapolation = Float(try attributes.number("extrapolation_value") ?? 0)
        excludesOutside = try attributes.boolean("exclude_outside") ?? false
        antialiases = try attributes.boolean("antialias") ?? false
        guard scales.isEmpty != sizes.isEmpty, scales.allSatisfy({ $0 > 0 && $0 < 0x1p20 }) else {
            throw ModelError("needs either scales, which are positive, or sizes")
        }
    }

    /// The axes that scales, sizes and roi speak of.
    func axisIndices(_ shape: Shape) throws -> [Int] {
        let indices = try (axes ?? Array(shape.dimensions.indices)).map { axis in
            guard let index = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
            return index
        }
        guard max(scales.count, sizes.count) == indices.count, roi.isEmpty || roi.count == 2 * indices.count,
            coordinates != .cropAndResize || !roi.isEmpty
        else { throw ModelError("scales, sizes or roi do not fit \(indices.count) axes") }
        return indices
    }

    /// One table for each axis; nil where nothing changes.
    func axes(_ shape: Shape) throws -> [ResamplingAxis?] {
        let indices = try axisIndices(shape)
        let growth = try self.growth(indices, shape)
        var tables = [ResamplingAxis?](repeating: nil, count: shape.rank)
        for (index, axis) in indices.enumerated() {
            let (scale, extent) = growth[index]
            guard shape[axis] > 0, 1...(1 << 26) ~= extent else {
                throw ModelError("a result of \(extent) from \(shape[axis]) elements is out of range")
            }
            if scale == 1, extent == shape[axis], coordinates != .cropAndResize { continue }
            tables[axis] = table(from: shape[axis], to: extent, scale: Double(scale), index)
        }
        return tables
    }

    private func growth(_ axes: [Int], _ shape: Shape) throws -> [(scale: Float, extent: Int)] {
        if sizes.isEmpty {
            return try axes.indices.map { index in
                let extent = Float(shape[axes[index]]) * scales[index]
                guard extent < 0x1p30 else { throw ModelError("a scale of \(scales[index]) is out of range") }
                return (scales[index], Int(extent.rounded(.down)))
            }
        }
        let ratios = axes.indices.map { Float(sizes[$0]) / Float(max(shape[axes[$0]], 1)) }
        guard aspectRatio != .stretch,
            let ratio = aspectRatio == .notLarger ? ratios.min() : ratios.max()
        else { return axes.indices.map { (ratios[$0], sizes[$0]) } }
        return axes.map { (ratio, Int((ratio * Float(shape[$0])).rounded(.toNearestOrAwayFromZero))) }
    }

    private func table(from source: Int, to result: Int, scale: Double, _ index: Int) -> ResamplingAxis {
        var table = ResamplingAxis()
        for position in 0..<result {
            let place = place(Double(position), from: Double(source), to: Double(result), scale: scale, index)
            if coordinates == .cropAndResize, !(0...Double(source - 1) ~= place) {
                table.append([])
            } else {
                table.append(taps(place, source, scale))
            }
        }
        return table
    }

    private func place(_ x: Double, from source: Double, to result: Double, scale: Double, _ index: Int) -> Double {
        switch coordinates {
        case .asymmetric: return x / scale
        case .halfPixel: return (x + 0.5) / scale - 0.5
        case .halfPixelSymmetric:
            return source / 2 * (1 - result / (scale * source)) + (x + 0.5) / scale - 0.5
        case .pytorchHalfPixel: return result > 1 ? (x + 0.5) / scale - 0.5 : 0
        case .alignCorners: return result > 1 ? x * (source - 1) / (result - 1) : 0
        case .halfPixelForNearest: return (x + 0.5) / scale
        case .cropAndResize:
            let start = Double(roi[index]), end = Double(roi[roi.count / 2 + index])
            if result > 1 { return start * (source - 1) + x * (end - start) * (source - 1) / (result - 1) }
            return 0.5 * (start + end) * (source - 1)
        }
    }

    private func taps(_ place: Double, _ source: Int, _ scale: Double) -> [(index: Int, weight: Float)] {
        func clamped(_ index: Int) -> Int { min(max(index, 0), source - 1) }
        if mode == .nearest {
            let element =
                switch rounding {
                case .preferFloor: (place - 0.5).rounded(.up)
                case .preferCeil: (place + 0.5).rounded(.down)
                case .floor: place.rounded(.down)
                case .ceil: place.rounded(.up)
                }
            return [(clamped(Int(element)), 1)]
        }
        // Without antialiasing, the elements around; with it, all that a result covers where it is smaller.
        let shrink = antialiases ? min(scale, 1) : 1
        let reach = (mode == .linear ? 1 : 2) / shrink
        let first = Int(place.rounded(.down)), start = first + Int((-reach).rounded(.down)) + 1
        let count = 2 * (first - start + 1)
        var taps = (start..<start + count).map { element in
            (element, weight((Double(element) - place) * shrink))
        }
        if excludesOutside { taps = taps.filter { 0..<source ~= $0.0 } }
        let sum = taps.reduce(0) { $0 + $1.1 }
        return taps.map { (clamped($0.0), Float(sum == 0 ? $0.1 : $0.1 / sum)) }
    }

    private func weight(_ distance: Double) -> Double {
        let x = abs(distance), a = Double(cubicCoefficient)
        if mode == .linear { return max(1 - x, 0) }
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }

    /// MXNet's operator and attributes for the same, if it has one: whole factors to the nearest element, or straight lines,
    /// on images of N×C×H×W.
    func mxnet(_ shape: Shape) throws -> (op: String, attributes: Attributes)? {
        guard shape.rank == 4, shape.elementCount > 0, !antialiases else { return nil }
        let indices = try axisIndices(shape)
        var scales = [Float](repeating: 1, count: 4), extents = shape.dimensions
        for (index, growth) in try growth(indices, shape).enumerated() {
            (scales[indices[index]], extents[indices[index]]) = (growth.scale, growth.extent)
        }
        guard scales[0] == 1, scales[1] == 1,
            (2...3).allSatisfy({ Float(shape[$0]) * scales[$0] == Float(extents[$0]) })
        else { return nil }
        let factor = extents[2] / shape[2]
        if mode == .nearest, scales[2] == scales[3], scales[2] == Float(factor), 1...1000 ~= factor,
            coordinates == .asymmetric && rounding == .floor
                || coordinates == .halfPixel && (rounding == .preferFloor || rounding == .preferCeil)
        {
            return (
                "UpSampling",
                ["num_args": .integer(1), "sample_type": .text("nearest"), "scale": .integer(factor)]
            )
        }
        guard mode == .linear, coordinates == .alignCorners || coordinates == .halfPixel, !excludesOutside else {
            return nil
        }
        return (
            "_contrib_BilinearResize2D",
            [
                "align_corners": .text(coordinates == .alignCorners ? "True" : "False"),
                "height": .integer(extents[2]), "mode": .text("size"), "width": .integer(extents[3]),
            ]
        )
    }
}
