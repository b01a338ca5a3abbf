import Foundation
import TensorCore

/// A RecordIO file, mapped. Records lie at multiples of four bytes; one or more parts make a record:
///
///     u32 0xCED7230A | u32 part << 29 | length | payload | zeros up to a multiple of 4
///
/// part is 0 for a whole record, 1, 2, 3 for the first, a middle and the last piece of one whose payload had the magic
/// number where the pieces meet. An index, `.idx`, has a line `key<tab>offset` for each record.
/// Source: dmlc-core, include/dmlc/recordio.h; MXNet 1.9.1, python/mxnet/recordio.py.
struct RecordFile: Sendable {
    private let storage: TensorStorage
    private let offsets: [Int]
    /// The records' keys in the index, if there is one.
    private let keys: [String]?
    private static let magic: UInt32 = 0xCED7_230A

    /// - Throws: `ModelError` if the file or its index is damaged or truncated.
    init(_ path: String) throws {
        let storage = try TensorStorage(mapping: path)
        self.storage = storage
        let index = (path as NSString).deletingPathExtension + ".idx"
        if FileManager.default.fileExists(atPath: index) {
            let lines = try locating(index) { try Self.entries(of: TensorStorage(mapping: index)) }
            keys = lines.map(\.key)
            offsets = lines.map(\.offset)
        } else {
            keys = nil
            offsets = try locating(path) { try Self.scan(storage) }
        }
    }

    var count: Int { offsets.count }

    /// `record 3`, `record 3 (key 'cat')`.
    func place(of index: Int) -> String {
        guard let key = keys?[index], key != String(index) else { return "record \(index)" }
        return "record \(index) (key '\(key)')"
    }

    /// Where the payload of a record lies: in the file, or in new memory if it is in pieces.
    func payload(of index: Int) throws -> (storage: TensorStorage, range: Range<Int>) {
        var cursor = ByteCursor(storage, from: offsets[index])
        guard offsets[index] < storage.bytes.count else {
            throw ModelError(
                "the index has it at byte \(offsets[index]), but the file ends at \(storage.bytes.count)",
                advice: "the index belongs to another file, or the file is truncated")
        }
        var (part, piece) = try Self.readPiece(&cursor)
        if part == 0 { return (storage, piece) }
        guard part == 1 else { throw ModelError("begins with a later piece of a record", at: "byte \(offsets[index])") }
        var bytes = Array(storage.bytes[piece])
        repeat {
            (part, piece) = try Self.readPiece(&cursor)
            guard part > 1 else { throw ModelError("ends without its last piece", at: "byte \(piece.lowerBound)") }
            withUnsafeBytes(of: Self.magic.littleEndian) { bytes += $0 }
            bytes += storage.bytes[piece]
        } while part != 3
        return (TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }, 0..<bytes.count)
    }

    private static func readPiece(_ cursor: inout ByteCursor) throws -> (part: UInt32, range: Range<Int>) {
        guard try cursor.read(UInt32.self, "record header") == magic else {
            throw ModelError(
                "no record begins here", at: "byte \(cursor.position - 4)", advice: "the file looks damaged")
        }
        let header = try cursor.read(UInt32.self, "record header")
        let length = Int(header & (1 << 29 - 1))
        let start = try cursor.skip(length, "record")
        // The last record of a file may lack its zeros.
        try cursor.skip(min(-length & 3, cursor.remaining), "padding")
        return (header >> 29, start..<start + length)
    }

    private static func scan(_ storage: TensorStorage) throws -> [Int] {
        var cursor = ByteCursor(storage), offsets: [Int] = []
        while cursor.remaining > 0 {
            let offset = cursor.position
            let (part, _) = try locating("record \(offsets.count)") { try readPiece(&cursor) }
            if part <= 1 { offsets.append(offset) }
        }
        return offsets
    }

    private static func entries(of index: TensorStorage) throws -> [(key: String, offset: Int)] {
        let text = String(decoding: index.bytes, as: UTF8.self)
        return try text.split(whereSeparator: \.isNewline).enumerated().map { number, line in
            let fields = line.split(separator: "\t")
            guard fields.count == 2, let offset = Int(fields[1]), offset >= 0 else {
                throw ModelError("'\(line.prefix(40))' is no key and offset", at: "line \(number + 1)")
            }
            return (String(fields[0]), offset)
        }
    }
}
