import Foundation
import TensorCore

/// The records of a RecordIO file in any order. Where they begin is read from the index beside it, text of a line
/// `key<tab>offset` for each record (python/mxnet/recordio.py, MXIndexedRecordIO), or found by walking the file.
public struct IndexedRecords: Sendable {
    /// The `.rec` file.
    public let path: String
    /// Whether an index says where records begin.
    public let isIndexed: Bool
    private let storage: TensorStorage
    private let entries: [(key: String, offset: Int)]

    /// - Parameters:
    ///   - path: the `.rec` file.
    ///   - index: The index; by default the file of the same name that ends in `.idx`, if there is one.
    /// - Throws: `ModelError` that names the line of the index, or the record and the byte of the file.
    public init(_ path: String, index: String? = nil) throws {
        self.path = path
        let storage = try TensorStorage(mapping: path)
        self.storage = storage
        let beside = Self.indexPath(of: path)
        if let index = index ?? (FileManager.default.fileExists(atPath: beside) ? beside : nil) {
            isIndexed = true
            let end = storage.bytes.count
            entries = try locating(index) { try Self.entries(of: TensorStorage(mapping: index), end: end) }
        } else {
            isIndexed = false
            entries = try locating(path) { try Self.entries(walking: storage) }
        }
    }

    /// How many records there are.
    public var count: Int { entries.count }

    /// The key of a record in the index; without an index, its number.
    public func key(of record: Int) -> String { entries[record].key }

    /// `photos.rec, record 3 (key 'cat')`
    public func place(of record: Int) -> String {
        let key = entries[record].key
        return "\(path), record \(record)" + (key == String(record) ? "" : " (key '\(key)')")
    }

    /// The payload as uint8 of one axis: a slice of the file, unless it lies there in parts.
    /// - Throws: `ModelError` that names the record and the byte.
    public subscript(record: Int) -> Tensor {
        get throws {
            try locating(place(of: record)) {
                var reader = RecordReader(storage, at: entries[record].offset)
                guard let payload = try reader.next() else { throw ModelError("lies after the end of the file") }
                return payload
            }
        }
    }

    /// `photos.idx` for `photos.rec`.
    static func indexPath(of path: String) -> String { (path as NSString).deletingPathExtension + ".idx" }

    private static func entries(walking storage: TensorStorage) throws -> [(key: String, offset: Int)] {
        var reader = RecordReader(storage), entries: [(key: String, offset: Int)] = []
        while true {
            let offset = reader.position, key = String(entries.count)
            guard try locating("record \(key)", { try reader.next() }) != nil else { return entries }
            entries.append((key, offset))
        }
    }

    private static func entries(of index: TensorStorage, end: Int) throws -> [(key: String, offset: Int)] {
        let text = String(decoding: index.bytes, as: UTF8.self)
        return try text.split(whereSeparator: \.isNewline).enumerated().map { number, line in
            try locating("line \(number + 1)") {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard fields.count == 2, let offset = Int(fields[1].trimmingCharacters(in: .whitespaces)) else {
                    throw ModelError("'\(line.prefix(40))' is not a key, a tab and an offset")
                }
                guard 0..<end ~= offset else {
                    throw ModelError(
                        "byte \(offset) is claimed, but the records end at \(end)",
                        advice: "the index belongs to another file, or that file is truncated")
                }
                return (String(fields[0]), offset)
            }
        }
    }
}
