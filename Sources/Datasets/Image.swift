import TensorCore

/// 8-bit pixels, plane after plane, each in rows from the top: `pixels[(channel · height + y) · width + x]`.
/// Three planes are red, green, blue.
struct Image: Sendable, Equatable {
    let channels: Int
    let height: Int
    let width: Int
    private(set) var pixels: [UInt8]

    /// - Throws: `ModelError` for a size beyond what an image may have, before memory is taken for it.
    init(channels: Int, height: Int, width: Int, fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) throws {
        try Self.checkSize(channels: channels, height: height, width: width)
        let count = channels * height * width
        self.channels = channels
        self.height = height
        self.width = width
        pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try fill(UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
            initialized = count
        }
    }

    /// Planes from pixels whose channels lie side by side, `stride` bytes apart; bytes beyond `channels` are dropped.
    init(channels: Int, height: Int, width: Int, interleaved: UnsafeBufferPointer<UInt8>, stride: Int) throws {
        try self.init(channels: channels, height: height, width: width) { planes in
            for channel in 0..<channels {
                for index in 0..<height * width {
                    planes[channel * height * width + index] = interleaved[index * stride + channel]
                }
            }
        }
    }

    /// Sides of at most 65,500 (JPEG's own limit) and at most 1 GiB of pixels.
    static func checkSize(channels: Int, height: Int, width: Int) throws {
        guard (1...65_500).contains(height), (1...65_500).contains(width), channels * height * width <= 1 << 30 else {
            throw ModelError(
                "an image of \(channels)×\(height)×\(width) is beyond the limit of 65500 pixels a side and 1 GiB")
        }
    }

    /// Luma of ITU-R BT.601 in OpenCV's rounding: `(4899 r + 9617 g + 1868 b + 8192) >> 14`.
    func gray() throws -> Image {
        guard channels == 3 else { return self }
        let count = height * width
        return try Image(channels: 1, height: height, width: width) { target in
            for index in 0..<count {
                let red = Int(pixels[index]), green = Int(pixels[count + index]), blue = Int(pixels[2 * count + index])
                target[index] = UInt8((4899 * red + 9617 * green + 1868 * blue + 8192) >> 14)
            }
        }
    }
}
