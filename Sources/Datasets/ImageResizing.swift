import TensorCore

/// Bilinear resizing as OpenCV does it for 8-bit pixels (`cv::resize`, `INTER_LINEAR`), which MXNet's ImageRecordIter
/// calls. Target pixel d samples the source at
///
///     x = (d + ½) · source / target − ½,    value = (1 − f) · p[⌊x⌋] + f · p[⌊x⌋ + 1],    f = x − ⌊x⌋
///
/// first along rows, then along columns, the weights rounded to 1/2048, edge pixels repeated.
extension Image {
    /// The image with its shorter edge `length` pixels long; the other one in proportion, rounded down as MXNet does.
    func resized(shorterEdge length: Int) throws -> Image {
        height > width
            ? try resized(height: length * height / width, width: length)
            : try resized(height: length, width: length * width / height)
    }

    func resized(height newHeight: Int, width newWidth: Int) throws -> Image {
        if newHeight == height && newWidth == width { return self }
        try Self.checkSize(channels: channels, height: newHeight, width: newWidth)
        let columns = Self.samples(of: width, for: newWidth), rows = Self.samples(of: height, for: newHeight)
        return try Image(channels: channels, height: newHeight, width: newWidth) { target in
            pixels.withUnsafeBufferPointer { source in
                // The two source rows under the current target row, resized along x, in 1/2048.
                var upper = [Int32](repeating: 0, count: newWidth), lower = upper
                for channel in 0..<channels {
                    for y in 0..<newHeight {
                        let row = rows[y]
                        interpolate(source, channel * height + row.first, columns, into: &upper)
                        interpolate(source, channel * height + row.second, columns, into: &lower)
                        let start = (channel * newHeight + y) * newWidth
                        for x in 0..<newWidth {
                            let a = (row.firstWeight * (upper[x] >> 4)) >> 16
                            let b = (row.secondWeight * (lower[x] >> 4)) >> 16
                            target[start + x] = UInt8(clamping: (a + b + 2) >> 2)
                        }
                    }
                }
            }
        }
    }

    private func interpolate(
        _ source: UnsafeBufferPointer<UInt8>, _ row: Int, _ columns: [Sample], into target: inout [Int32]
    ) {
        let start = row * width
        for (x, column) in columns.enumerated() {
            target[x] =
                Int32(source[start + column.first]) * column.firstWeight
                + Int32(source[start + column.second]) * column.secondWeight
        }
    }

    private struct Sample {
        var first: Int, second: Int
        var firstWeight: Int32, secondWeight: Int32
    }

    private static func samples(of source: Int, for target: Int) -> [Sample] {
        let ratio = Double(source) / Double(target)
        return (0..<target).map { index in
            let position = Float((Double(index) + 0.5) * ratio - 0.5)
            let first = Int(position.rounded(.down))
            // Beyond the outermost pixel centres there is nothing to interpolate with.
            if first < 0 || first >= source - 1 {
                let edge = min(max(first, 0), source - 1)
                return Sample(first: edge, second: edge, firstWeight: 2048, secondWeight: 0)
            }
            let fraction = position - Float(first)
            return Sample(
                first: first, second: first + 1,
                firstWeight: Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven)),
                secondWeight: Int32((fraction * 2048).rounded(.toNearestOrEven)))
        }
    }
}
