import TensorCore

/// What the file of an image says of it; no pixel is decoded.
///
///     PNG: 8 bytes signature | u32 13 | "IHDR" | u32 width, height (big-endian) | …
///
/// Source: W3C PNG, 11.2.1. Of a JPEG, libjpeg reads the header.
public struct ImageHeader: Sendable, Equatable {
    /// How an image is coded; files are told by their first bytes.
    public enum Kind: String, Sendable { case jpeg = "JPEG", png = "PNG" }

    /// JPEG or PNG.
    public let kind: Kind
    /// In pixels.
    public let width: Int
    /// In pixels.
    public let height: Int

    /// Which kind of image begins with these bytes; nil if none that is known.
    public static func kind(_ bytes: UnsafeRawBufferPointer) -> Kind? {
        if bytes.starts(with: [0xFF, 0xD8]) { return .jpeg }
        return bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) ? .png : nil
    }

    /// - Throws: `ModelError` if the bytes are neither JPEG nor PNG, or the header is damaged.
    public init(_ bytes: UnsafeRawBufferPointer) throws {
        switch Self.kind(bytes) {
        case .jpeg:
            kind = .jpeg
            (_, height, width) = try ImageDecoder.sizeOfJPEG(bytes)
        case .png:
            guard bytes.count >= 24 else {
                throw ModelError("the PNG ends within its header", advice: "the file looks truncated")
            }
            func number(at offset: Int) -> Int {
                Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
            kind = .png
            (width, height) = (number(at: 16), number(at: 20))
        case nil: throw ModelError("is neither a JPEG nor a PNG image")
        }
    }
}
