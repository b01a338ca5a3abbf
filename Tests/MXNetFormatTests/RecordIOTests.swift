import Foundation
import TensorCore
import TestSupport
import Testing

@testable import MXNetFormat

/// The files were written by MXNet 1.9.1; see Tests/Fixtures/mxnet and Tests/Fixtures/datasets.
@Suite("RecordIO")
struct RecordIOTests {
    private static let magic: [UInt8] = [0x0A, 0x23, 0xD7, 0xCE]
    /// What escapes.rec was made of: the magic number at the start, at the end, twice in a row, unaligned.
    private static let escapes: [[UInt8]] = [
        [], bytes("a"), bytes("abcd"), magic, magic + magic, bytes("xy") + magic,
        bytes("abcd") + magic + bytes("efgh"), bytes("abcd") + magic + magic + bytes("ij"), magic + bytes("tail"),
        bytes("head") + magic, bytes("1") + magic + bytes("23"), Array(0...255) + Array(0...255),
    ]

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func contents(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func payloadsWithTheMagicNumberInside() throws {
        var reader = try RecordReader(Fixtures.path("mxnet/escapes.rec"))
        for payload in Self.escapes { #expect(try reader.next()?.elements(as: UInt8.self) == payload) }
        #expect(try reader.next() == nil)
    }

    @Test func writesWhatMXNetWrites() throws {
        try Fixtures.withTemporaryFolder { folder in
            try RecordWriter.write(to: folder + "/new.rec") { writer in
                for payload in Self.escapes { try writer.append(payload) }
            }
            #expect(try Self.contents(folder + "/new.rec") == Self.contents(Fixtures.path("mxnet/escapes.rec")))

            let images = try IndexedRecords(Fixtures.path("datasets/images.rec"))
            try RecordWriter.write(to: folder + "/images.rec") { writer in
                for index in 0..<images.count {
                    try writer.append(ImageRecord(images[index]).encoded, key: images.key(of: index))
                }
            }
            for name in ["images.rec", "images.idx"] {
                #expect(try Self.contents(folder + "/" + name) == Self.contents(Fixtures.path("datasets/" + name)))
            }
        }
    }

    @Test func wholeRecordsAreSlicesOfTheFile() throws {
        let records = try IndexedRecords(Fixtures.path("datasets/images.rec"))
        let first = try records[0], last = try records[31]
        #expect(first.storage === last.storage)
        #expect((first.byteOffset, first.byteCount) == (8, 1172))
        #expect((last.byteOffset, last.byteCount) == (38168, 3848))
    }

    @Test func findsRecordsWithoutAnIndex() throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileManager.default.copyItem(atPath: Fixtures.path("datasets/images.rec"), toPath: folder + "/a.rec")
            let indexed = try IndexedRecords(Fixtures.path("datasets/images.rec"))
            let walked = try IndexedRecords(folder + "/a.rec")
            #expect(walked.count == 32)
            for index in 0..<32 { #expect(try walked[index] == indexed[index]) }
        }
    }

    @Test func keysMayBeTexts() throws {
        let records = try IndexedRecords(Fixtures.path("datasets/strkey.rec"))
        #expect(records.count == 1)
        #expect(records.key(of: 0) == "cat")
        #expect(records.place(of: 0).hasSuffix("strkey.rec, record 0 (key 'cat')"))
        let record = try ImageRecord(records[0])
        #expect(record.labels == [3])
        #expect((record.id, record.id2) == (11, 22))
        #expect(record.image.elements(as: UInt8.self) == Self.bytes("payload"))
    }

    @Test func imagesHaveOneLabelOrMore() throws {
        let records = try IndexedRecords(Fixtures.path("datasets/images.rec"))
        let several = try ImageRecord(records[12]), single = try ImageRecord(records[13])
        #expect(several.labels == [12, 0.25, 0.375])
        #expect(several.image.elements(as: UInt8.self).starts(with: [0xFF, 0xD8, 0xFF, 0xE0]))
        #expect(single.labels == [13])
        #expect(single.id == 13)
        #expect(several.image.storage === single.image.storage)
    }

    @Test func truncationIsAnErrorOrAShorterFile() throws {
        let bytes = try Self.contents(Fixtures.path("mxnet/escapes.rec"))
        for length in 0..<bytes.count {
            var reader = RecordReader(TensorStorage(byteCount: length) { $0.copyBytes(from: bytes[..<length]) })
            var count = 0
            do { while try reader.next() != nil { count += 1 } } catch is ModelError {}
            #expect(count < Self.escapes.count)
        }
    }

    @Test func everyDamagedByteIsSurvived() throws {
        let bytes = try Self.contents(Fixtures.path("mxnet/escapes.rec"))
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0xFF
            var reader = RecordReader(TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: damaged) })
            do {
                while let record = try reader.next() { #expect(record.byteCount <= bytes.count) }
            } catch is ModelError {}
        }
    }

    @Test func errorsNameRecordAndByte() throws {
        let whole: [UInt8] = Self.magic + [4, 0, 0, 0] + Self.bytes("abcd")
        let cases: [(bytes: [UInt8], message: String)] = [
            (
                whole + Self.bytes("JFIF0000"),
                "record 1, byte 12: no record begins here; the file is not RecordIO, or it is damaged."
            ),
            (
                whole + Self.magic + [200, 0, 0, 0] + Self.bytes("abcd"),
                "record 1, byte 20: a record's payload needs 200 bytes, but 4 remain; the file looks truncated."
            ),
            (whole + Self.magic + [0, 0, 0, 0x40], "record 1, byte 12: begins with a later part of a record."),
            (whole + Self.magic + [0, 0, 0, 0x80], "record 1, byte 16: 4 is no kind of part; the file looks damaged."),
            (
                Self.magic + [0, 0, 0, 0x20] + whole,
                "record 0, byte 8: another record begins before the last part of this one."
            ),
            (Self.magic + [0, 0, 0, 0x20], "record 0, byte 8: the last part is missing; the file looks truncated."),
        ]
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/bad.rec"
            for (bytes, message) in cases {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: ModelError.self) { try IndexedRecords(path) }
                #expect(error?.description == "\(path), \(message)")
            }
        }
    }

    @Test(arguments: [
        ("0\t0\nno tab\n", "line 2: 'no tab' is not a key, a tab and an offset."),
        ("0\tfar\n", "line 1: '0\tfar' is not a key, a tab and an offset."),
        ("0\t0\n1\t40\n", "line 2: byte 40 is claimed, but the records end at 40; \(foreign)."),
        ("0\t-4\n", "line 1: byte -4 is claimed, but the records end at 40; \(foreign)."),
    ])
    func errorsNameTheLineOfAnIndex(_ text: String, _ message: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            let index = folder + "/bad.idx"
            try text.write(toFile: index, atomically: true, encoding: .utf8)
            let error = #expect(throws: ModelError.self) {
                try IndexedRecords(Fixtures.path("datasets/strkey.rec"), index: index)
            }
            #expect(error?.description == "\(index), \(message)")
        }
    }

    private static let foreign = "the index belongs to another file, or that file is truncated"

    @Test func offsetsWithinRecordsAreErrors() throws {
        try Fixtures.withTemporaryFolder { folder in
            let index = folder + "/shifted.idx", path = Fixtures.path("datasets/strkey.rec")
            try "cat\t5\n".write(toFile: index, atomically: true, encoding: .utf8)
            let records = try IndexedRecords(path, index: index)
            let error = #expect(throws: ModelError.self) { try records[0] }
            #expect(error?.location == ["\(path), record 0 (key 'cat')", "byte 5"])
        }
    }

    @Test func labelsMustFitTheRecord() {
        for count in [1, UInt8.max] {
            let header = [count, 0, 0, 0] + [UInt8](repeating: 0, count: 23)
            for length in 0...header.count {
                #expect(throws: ModelError.self) { try ImageRecord(Tensor(Array(header[..<length]))) }
            }
        }
    }

    @Test func keysMustFitALineOfTheIndex() throws {
        try Fixtures.withTemporaryFolder { folder in
            for key in ["a\tb", "a\nb", "a\r\nb"] {
                #expect(throws: ModelError.self) {
                    try RecordWriter.write(to: folder + "/new.rec") { try $0.append([1], key: key) }
                }
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files == [])
        }
    }
}
