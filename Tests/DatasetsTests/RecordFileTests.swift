import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite("RecordIO")
struct RecordFileTests {
    /// Payloads with the magic number inside, written by MXNet; the same as `escapes.json` of its making.
    @Test func magicWithinPayloads() throws {
        let magic: [UInt8] = [0x0A, 0x23, 0xD7, 0xCE]
        func text(_ string: String) -> [UInt8] { Array(string.utf8) }
        let expected: [[UInt8]] = [
            [], text("a"), text("abcd"), magic, magic + magic, text("xy") + magic, text("abcd") + magic + text("efgh"),
            text("abcd") + magic + magic + text("ij"), magic + text("tail"), text("head") + magic,
            text("1") + magic + text("23"), Array(0...255) + Array(0...255),
        ]
        let file = try RecordFile(Fixtures.path("datasets/escapes.rec"))
        #expect(file.count == expected.count)
        for (index, payload) in expected.enumerated() {
            let (storage, range) = try file.payload(of: index)
            #expect(Array(storage.bytes[range]) == payload)
        }
    }
}
