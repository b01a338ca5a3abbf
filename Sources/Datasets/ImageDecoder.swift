import CJPEG
import CPNG
import TensorCore

/// Pixels from the bytes of a JPEG (baseline or progressive; gray, colour or CMYK) or a PNG (any; without its alpha).
/// Which of the two it is, the first bytes say, as RecordIO has no names.
enum ImageDecoder {
    /// - Parameter gray: one plane of luma instead of red, green, blue.
    /// - Throws: `ModelError` if the bytes are neither, are damaged or truncated, or claim too large an image.
    static func decode(_ bytes: UnsafeRawBufferPointer, gray: Bool) throws -> Image {
        if bytes.starts(with: [0xFF, 0xD8]) { return try decodeJPEG(bytes, gray: gray) }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try decodePNG(bytes, gray: gray) }
        throw ModelError("is neither a JPEG nor a PNG image")
    }

    private static func decodeJPEG(_ bytes: UnsafeRawBufferPointer, gray: Bool) throws -> Image {
        let (channels, height, width) = try runJPEG(bytes, gray: gray, into: nil, memory: memoryLimit(bytes))
        try Image.checkSize(channels: channels, height: height, width: width)
        let memory = memoryLimit(bytes) - channels * height * width
        guard memory > 0 else { throw tooLarge(bytes, height, width) }
        let image = try Image(channels: channels, height: height, width: width) {
            _ = try runJPEG(bytes, gray: gray, into: $0.baseAddress, memory: memory)
        }
        return gray ? try image.gray() : image
    }

    /// What the header of a JPEG says.
    static func sizeOfJPEG(_ bytes: UnsafeRawBufferPointer) throws -> (channels: Int, height: Int, width: Int) {
        try runJPEG(bytes, gray: false, into: nil, memory: memoryLimit(bytes))
    }

    /// Reads the header, and the planes of pixels too if there is room for them, with `memory` bytes at most beside it.
    private static func runJPEG(
        _ bytes: UnsafeRawBufferPointer, gray: Bool, into pixels: UnsafeMutablePointer<UInt8>?, memory: Int
    ) throws -> (channels: Int, height: Int, width: Int) {
        let source = bytes.bindMemory(to: UInt8.self)
        var width: Int32 = 0, height: Int32 = 0, channels: Int32 = 0
        var message = [CChar](repeating: 0, count: requant_jpeg_message_size)
        let status = requant_decode_jpeg(
            source.baseAddress, source.count, gray ? 1 : 0, &width, &height, &channels, pixels, memory, &message)
        if status == requant_jpeg_too_large { throw tooLarge(bytes, Int(height), Int(width)) }
        guard status == 0 else {
            let reason = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw ModelError("the JPEG is damaged: \(reason)")
        }
        return (Int(channels), Int(height), Int(width))
    }

    /// A few bytes can stand for any number of pixels of the same colour: what decoding them may take. Of a large photo,
    /// there is at least a bit for each pixel, which takes up to 9 bytes while a progressive JPEG is decoded.
    private static func memoryLimit(_ bytes: UnsafeRawBufferPointer) -> Int {
        max(64 << 20 + 4 * bytes.count, 64 * bytes.count)
    }

    private static func tooLarge(_ bytes: UnsafeRawBufferPointer, _ height: Int, _ width: Int) -> ModelError {
        ModelError(
            "an image of \(height)×\(width) takes more memory than its \(bytes.count) bytes are trusted with: "
                + "\(memoryLimit(bytes)) bytes", advice: "make it smaller, or save it as a baseline JPEG")
    }

    private static func decodePNG(_ bytes: UnsafeRawBufferPointer, gray: Bool) throws -> Image {
        var png = png_image()
        png.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&png) }
        guard png_image_begin_read_from_memory(&png, bytes.baseAddress, bytes.count) != 0 else { throw damaged(png) }
        // With alpha, and dropped afterwards: libpng would otherwise blend the pixels with a background.
        png.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
        // Of 16 bits, the upper 8 as they are: without the flag they would be taken for linear light.
        png.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
        let height = Int(png.height), width = Int(png.width)
        try Image.checkSize(channels: 4, height: height, width: width)
        // The pixels as libpng gives them, and as planes.
        guard (4 + 3) * height * width <= memoryLimit(bytes) else { throw tooLarge(bytes, height, width) }
        let pixels = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4 * height * width)
        defer { pixels.deallocate() }
        guard png_image_finish_read(&png, nil, pixels.baseAddress, 0, nil) != 0 else { throw damaged(png) }
        let image = try Image(
            channels: 3, height: height, width: width, interleaved: UnsafeBufferPointer(pixels), stride: 4)
        return gray ? try image.gray() : image
    }

    private static func damaged(_ png: png_image) -> ModelError {
        let message = withUnsafeBytes(of: png.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return ModelError("the PNG is damaged: \(message)")
    }
}
