import TensorCore

// nearest: the closest element, ties to even; linear: the two around along each axis; cubic: the four around, with
// Keys' kernel for a = −0.75.

extension GridSampleKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let source = operands[0].shape, places = type.shape.dimensions[2...].reduce(1, *)
        let axes = source.rank - 2, channels = source[1], plane = source.dimensions[2...].reduce(1, *)
        let values = operands[0].floats(), grid = operands[1].floats()
        let strides = Array(source.strides[2...])
        var results = [Float](repeating: 0, count: type.shape.elementCount)
        var taps: [(offset: Int, weight: Float)] = []
        for image in 0..<source[0] {
            for place in 0..<places {
                taps.removeAll(keepingCapacity: true)
                taps.append((0, 1))
                for axis in 0..<axes {
                    // The grid's first coordinate is of the last axis.
                    let coordinate = axes - 1 - axis
                    let index =
                        gridIsChannelsFirst
                        ? (image * axes + coordinate) * places + place : (image * places + place) * axes + coordinate
                    extend(&taps, position(grid[index], extent: source[axis + 2]), source[axis + 2], strides[axis])
                }
                for channel in 0..<channels {
                    let base = (image * channels + channel) * plane
                    var sum: Float = 0
                    for (offset, weight) in taps { sum += weight * values[base + offset] }
                    results[(image * channels + channel) * places + place] = sum
                }
            }
        }
        return [Tensor(results, shape: type.shape)]
    }

    /// −1…1 → elements. What is not a number, or so far away that no integer holds it, is outside.
    private func position(_ coordinate: Float, extent: Int) -> Float? {
        let size = Float(extent)
        let position = alignsCorners ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2
        return abs(position) < 0x1p40 ? position : nil
    }

    /// Replaces each tap by one for each element along the next axis that has a part in the result.
    private func extend(
        _ taps: inout [(offset: Int, weight: Float)], _ position: Float?, _ extent: Int, _ stride: Int
    ) {
        guard let position else { return taps.removeAll(keepingCapacity: true) }
        let before = taps
        taps.removeAll(keepingCapacity: true)
        func add(_ element: Int, _ weight: Float) {
            guard let inside = resolve(element, extent) else { return }
            for tap in before { taps.append((tap.offset + inside * stride, tap.weight * weight)) }
        }
        let first = Int(position.rounded(.down)), fraction = position - position.rounded(.down)
        switch mode {
        case .nearest: add(Int(position.rounded(.toNearestOrEven)), 1)
        case .linear:
            add(first, 1 - fraction)
            add(first + 1, fraction)
        case .cubic:
            for (index, weight) in CubicWeights.keys(fraction, a: -0.75).enumerated() { add(first - 1 + index, weight) }
        }
    }

    /// The element that stands for one that may lie outside; nil for a zero.
    private func resolve(_ element: Int, _ extent: Int) -> Int? {
        if 0..<extent ~= element { return element }
        guard extent > 0 else { return nil }
        switch padding {
        case .zeros: return nil
        case .border: return min(max(element, 0), extent - 1)
        case .reflection:
            // Mirrored at the centres of the outermost elements, or at their edges, which repeats them.
            if alignsCorners {
                guard extent > 1 else { return 0 }
                let period = 2 * (extent - 1)
                let rest = ((element % period) + period) % period
                return rest < extent ? rest : period - rest
            }
            let period = 2 * extent
            let rest = ((element % period) + period) % period
            return rest < extent ? rest : period - 1 - rest
        }
    }
}

/// The weights of the four elements around a place that lies `fraction` behind the second.
public enum CubicWeights {
    public static func keys(_ fraction: Float, a: Float) -> [Float] {
        func weight(_ distance: Float) -> Float {
            let x = abs(distance)
            if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
        }
        return [weight(1 + fraction), weight(fraction), weight(1 - fraction), weight(2 - fraction)]
    }
}
