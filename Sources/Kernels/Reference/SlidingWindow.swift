import TensorCore

/// How a window slides over the spatial axes of a tensor, which are brought to three: depth, height, width.
///
///     source index = result index · stride − padBegin + tap · dilation
struct SlidingWindow {
    struct Axis {
        var source = 1, result = 1, window = 1, stride = 1, dilation = 1, padBegin = 0

        /// Where the tap falls for the first result.
        func origin(ofTap tap: Int) -> Int { tap * dilation - padBegin }

        /// The results for which the tap falls on an element and not on padding.
        func results(underTap tap: Int) -> Range<Int> {
            let origin = origin(ofTap: tap)
            let first = origin >= 0 ? 0 : (-origin + stride - 1) / stride
            let end = source <= origin ? 0 : (source - origin + stride - 1) / stride
            return min(first, result)..<max(min(first, result), min(end, result))
        }
    }

    var depth = Axis(), height = Axis(), width = Axis()

    /// - Parameters:
    ///   - source: N×C×spatial…
    ///   - result: N×O×spatial…
    /// - Throws: `ModelError` for more than three spatial axes.
    init(
        source: Shape, result: Shape, window: [Int], strides: [Int], dilations: [Int], padsBegin: [Int]
    ) throws {
        var axes = window.indices.map { axis in
            Axis(
                source: source[axis + 2], result: result[axis + 2], window: window[axis], stride: strides[axis],
                dilation: dilations[axis], padBegin: padsBegin[axis])
        }
        guard axes.count <= 3 else { throw ModelError("windows over \(axes.count) axes are not supported") }
        axes.insert(contentsOf: [Axis](repeating: Axis(), count: 3 - axes.count), at: 0)
        (depth, height, width) = (axes[0], axes[1], axes[2])
    }

    var taps: Int { depth.window * height.window * width.window }
    var sourceCount: Int { depth.source * height.source * width.source }
    var resultCount: Int { depth.result * height.result * width.result }

    /// Calls `body` for each tap and each row of results on which the tap meets elements: there, `count` results from
    /// `result` on take the elements from `source` on, `width.stride` apart.
    func forEachRow(_ body: (_ tap: Int, _ source: Int, _ result: Int, _ count: Int) -> Void) {
        for z in 0..<depth.window {
            for y in 0..<height.window {
                for x in 0..<width.window {
                    let tap = (z * height.window + y) * width.window + x
                    let columns = width.results(underTap: x)
                    if columns.isEmpty { continue }
                    for plane in depth.results(underTap: z) {
                        let sourcePlane = plane * depth.stride + depth.origin(ofTap: z)
                        for row in height.results(underTap: y) {
                            let sourceRow = sourcePlane * height.source + row * height.stride + height.origin(ofTap: y)
                            let first = columns.lowerBound
                            body(
                                tap, sourceRow * width.source + first * width.stride + width.origin(ofTap: x),
                                (plane * height.result + row) * width.result + first, columns.count)
                        }
                    }
                }
            }
        }
    }
}
