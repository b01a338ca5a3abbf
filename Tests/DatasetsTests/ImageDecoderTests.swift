import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite("Decoding images")
struct ImageDecoderTests {
    private static let kinds = [
        "alpha.png", "gray.png", "palette.png", "rgb.png", "rgb.jpg", "gray.jpg", "progressive.jpeg", "cmyk.jpg",
    ]

    @Test("every kind, as Pillow decodes it", arguments: kinds)
    func colour(name: String) throws {
        let image = try decode(bytes(name), gray: false)
        #expect(image.channels == 3)
        #expect(try largestDifference(image, name) == 0)
    }

    @Test("luma is libjpeg's for JPEG, and within a rounding for PNG", arguments: [("rgb.jpg", 0), ("rgb.png", 1)])
    func luma(name: String, tolerance: Int) throws {
        let image = try decode(bytes(name), gray: true)
        #expect(image.channels == 1)
        #expect(try largestDifference(image, name + ", luma") <= tolerance)
    }

    @Test("an image cut anywhere is an error", arguments: kinds)
    func truncation(name: String) throws {
        let whole = try bytes(name)
        // The end marker of a JPEG and the last chunk of a PNG hold no pixels.
        for count in 0..<whole.count - 12 {
            #expect(throws: ModelError.self) { try decode(whole.prefix(count), gray: false) }
        }
    }

    @Test("an image with any byte changed is decoded or refused, never a crash", arguments: kinds)
    func damage(name: String) throws {
        let whole = try bytes(name)
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= 0xFF
            do { _ = try decode(damaged, gray: index % 2 == 0) } catch is ModelError {}
        }
    }

    @Test("a size beyond the limit is refused before memory is taken")
    func sizes() throws {
        // Height and width in the header of a JPEG and of a PNG (whose checksum libpng tests first).
        var jpeg = try bytes("rgb.jpg")
        let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0x00, 0xFF, 0x00])
        #expect { try decode(jpeg, gray: false) } throws: { "\($0)".contains("beyond the limit") }
        #expect(throws: ModelError.self) { try Image(channels: 3, height: 30_000, width: 30_000) { _ in } }
        #expect(throws: ModelError.self) { try Image(channels: 1, height: 65_501, width: 1) { _ in } }
        #expect(throws: ModelError.self) { try Image(channels: 1, height: 0, width: 1) { _ in } }
    }

    @Test func neitherKind() {
        #expect { try decode(Data("GIF89a".utf8), gray: false) } throws: { "\($0)".contains("neither a JPEG") }
    }

    @Test("weights of bilinear resizing, by hand")
    func resizing() throws {
        let image = try Image(channels: 1, height: 1, width: 2) { _ = $0.initialize(from: [0, 100]) }
        // Centres at −¼, ¼, ¾ and 1¼ source pixels.
        #expect(try image.resized(height: 1, width: 4).pixels == [0, 25, 75, 100])
        #expect(try image.resized(shorterEdge: 2).width == 4)
        #expect(try image.resized(height: 2, width: 1).pixels == [50, 50])
    }

    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("datasets/kinds/\(name)")))
    }

    private func decode(_ bytes: Data, gray: Bool) throws -> Image {
        try bytes.withUnsafeBytes { try ImageDecoder.decode($0, gray: gray) }
    }

    private func largestDifference(_ image: Image, _ name: String) throws -> Int {
        let expected = try NumPyArchive(Fixtures.path("datasets/kinds.npz")).tensor(named: name)
        #expect(expected.shape == [image.height, image.width, image.channels])
        let plane = image.height * image.width
        return expected.elements(as: UInt8.self).enumerated().map { index, value in
            abs(Int(value) - Int(image.pixels[index % image.channels * plane + index / image.channels]))
        }.max() ?? 256
    }
}
