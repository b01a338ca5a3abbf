import TensorCore

/// RecordIO, a file of byte strings (dmlc-core, include/dmlc/recordio.h). A record is one or more parts; a part is
///
///     u32 0xCED7230A | u32 kind << 29 | length | `length` bytes | zeros up to a multiple of 4
///
/// and begins at a multiple of 4 bytes. So that a reader can find records anywhere in a file, the magic number never
/// stands at such a place within a part: a payload that has it there is cut in two, and the magic number is left out.
enum RecordFormat {
    static let magic: UInt32 = 0xCED7_230A
    static let lengthBits: UInt32 = 29

    enum Part: UInt32 { case whole, first, middle, last }
}

/// Reads the records of a mapped RecordIO file one after the other.
public struct RecordReader: Sendable {
    private let storage: TensorStorage
    /// Where the next record begins.
    public private(set) var position: Int

    /// Opens a `.rec` file.
    /// - Throws: `ModelError` if that cannot be done.
    public init(_ path: String) throws {
        self.init(try TensorStorage(mapping: path))
    }

    init(_ storage: TensorStorage, at position: Int = 0) {
        self.storage = storage
        self.position = position
    }

    /// Whether the bytes begin as a RecordIO file does.
    public static func recognizes(_ storage: TensorStorage) -> Bool {
        storage.bytes.count >= 8
            && storage.bytes.loadUnaligned(as: UInt32.self).littleEndian == RecordFormat.magic
    }

    /// The next record as uint8 of one axis; nil at the end of the file. A record of one part is a slice of the file.
    /// - Throws: `ModelError` that names the byte. The reader then stays where it is.
    public mutating func next() throws -> Tensor? {
        var cursor = ByteCursor(storage, from: position)
        guard cursor.remaining > 0 else { return nil }
        let (kind, payload) = try Self.part(&cursor)
        switch kind {
        case .whole:
            position = cursor.position
            return payload
        case .first:
            let record = try Self.joining(payload, &cursor)
            position = cursor.position
            return record
        case .middle, .last:
            throw ModelError("begins with a later part of a record", at: "byte \(position)")
        }
    }

    private static func joining(_ first: Tensor, _ cursor: inout ByteCursor) throws -> Tensor {
        var parts = [first]
        while true {
            let place = cursor.position
            guard cursor.remaining > 0 else {
                throw ModelError("the last part is missing", at: "byte \(place)", advice: "the file looks truncated")
            }
            let (kind, part) = try part(&cursor)
            guard kind == .middle || kind == .last else {
                throw ModelError("another record begins before the last part of this one", at: "byte \(place)")
            }
            parts.append(part)
            if kind == .last { break }
        }
        let magic = withUnsafeBytes(of: RecordFormat.magic.littleEndian) { Tensor(Array($0)) }
        return Tensor.concatenatingRows(Array(parts.map { [$0] }.joined(separator: [magic])))
    }

    private static func part(_ cursor: inout ByteCursor) throws -> (RecordFormat.Part, Tensor) {
        let place = cursor.position
        guard try cursor.read(UInt32.self, "a record's header") == RecordFormat.magic else {
            throw ModelError(
                "no record begins here", at: "byte \(place)", advice: "the file is not RecordIO, or it is damaged")
        }
        let word = try cursor.read(UInt32.self, "a record's header")
        guard let kind = RecordFormat.Part(rawValue: word >> RecordFormat.lengthBits) else {
            throw ModelError(
                "\(word >> RecordFormat.lengthBits) is no kind of part", at: "byte \(place + 4)",
                advice: "the file looks damaged")
        }
        let length = Int(word & (1 << RecordFormat.lengthBits - 1))
        let start = try cursor.skip(length, "a record's payload")
        // The zeros after the very last record may be missing.
        try cursor.skip(min(-length & 3, cursor.remaining), "padding")
        return (kind, try Tensor(dataType: .uint8, shape: [length], storage: cursor.storage, byteOffset: start))
    }
}
