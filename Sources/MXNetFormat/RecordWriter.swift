import TensorCore

/// Writes RecordIO and its index as MXNet 1.9.1's MXIndexedRecordIO does; see `RecordFormat` for the layout.
public struct RecordWriter {
    private let records: FileWriter
    private let index: FileWriter
    private var count = 0

    /// Calls `body` with a writer of `path` and of the file of the same name that ends in `.idx`. Neither is there
    /// before `body` returns.
    public static func write(to path: String, _ body: (inout RecordWriter) throws -> Void) throws {
        try FileOutput.write(to: IndexedRecords.indexPath(of: path)) { index in
            try FileOutput.write(to: path) { records in
                var writer = RecordWriter(records: records, index: index)
                try body(&writer)
            }
        }
    }

    /// - Parameters:
    ///   - payload: the bytes of the record.
    ///   - key: What the index calls the record; by default its number.
    /// - Throws: `ModelError` for a payload of 2²⁹ bytes or more and for a key with a tab or a line break.
    public mutating func append(_ payload: UnsafeRawBufferPointer, key: String? = nil) throws {
        let key = key ?? String(count)
        try locating("record \(count)") {
            guard payload.count < 1 << RecordFormat.lengthBits else {
                throw ModelError("\(payload.count) bytes are more than the 2^\(RecordFormat.lengthBits) - 1 of a record")
            }
            guard !key.contains(where: { $0 == "\t" || $0.isNewline }) else {
                throw ModelError("its key has a tab or a line break in it, which an index cannot hold")
            }
            try index.write("\(key)\t\(records.position)\n")
            try write(payload)
        }
        count += 1
    }

    /// The same for bytes of an array.
    public mutating func append(_ payload: [UInt8], key: String? = nil) throws {
        try payload.withUnsafeBytes { try append($0, key: key) }
    }

    private func write(_ payload: UnsafeRawBufferPointer) throws {
        var start = 0
        for offset in stride(from: 0, to: payload.count & ~3, by: 4) {
            let word = UInt32(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            guard word == RecordFormat.magic else { continue }
            try write(start == 0 ? .first : .middle, payload[start..<offset])
            start = offset + 4
        }
        try write(start == 0 ? .whole : .last, payload[start...])
        try records.write([UInt8](repeating: 0, count: -payload.count & 3))
    }

    private func write(_ kind: RecordFormat.Part, _ bytes: Slice<UnsafeRawBufferPointer>) throws {
        try records.writeLittleEndian(RecordFormat.magic)
        try records.writeLittleEndian(kind.rawValue << RecordFormat.lengthBits | UInt32(bytes.count))
        try records.write(UnsafeRawBufferPointer(rebasing: bytes))
    }
}
