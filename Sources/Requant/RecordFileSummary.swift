import Datasets
import Foundation
import MXNetFormat
import TensorCore

/// What a RecordIO file holds: how many records, and what the first ones are.
public struct RecordFileSummary: Sendable, Codable {
    /// One record.
    public struct Row: Sendable, Codable {
        /// Its key in the index, or its number.
        public var key: String
        /// The length of its payload.
        public var bytes: Int
        /// Of an image; nil for a record that holds something else.
        public var labels: [Float]?
        /// `JPEG` or `PNG`
        public var image: String?
        /// In pixels.
        public var width: Int?
        /// In pixels.
        public var height: Int?
        /// Why the image cannot be read, if that is so.
        public var problem: String?
    }

    /// The file's name without its folder.
    public var name: String
    /// Records in the file.
    public var count: Int
    /// Whether an `.idx` beside the file says where records begin.
    public var isIndexed: Bool
    /// The first ones.
    public var rows: [Row]

    /// - Parameters:
    ///   - path: the `.rec` file.
    ///   - limit: how many records are looked at.
    /// - Throws: `ModelError` if the file, or the index beside it, is damaged.
    public init(reading path: String, limit: Int = 8) throws {
        try self.init(IndexedRecords(path), name: path.fileName, limit: limit)
    }

    /// The same for the index of a file that lies beside it.
    public init(readingIndex path: String, limit: Int = 8) throws {
        let records = (path as NSString).deletingPathExtension + ".rec"
        guard FileManager.default.fileExists(atPath: records) else {
            throw ModelError(
                "is the index of a RecordIO file, which is not beside it", at: path,
                advice:
                    "put \(records.fileName) there; records can be read without an index, but not the other way round")
        }
        try self.init(
            IndexedRecords(records, index: path), name: "\(path.fileName), the index of \(records.fileName)",
            limit: limit)
    }

    private init(_ records: IndexedRecords, name: String, limit: Int) throws {
        self.name = name
        count = records.count
        isIndexed = records.isIndexed
        rows = try (0..<min(count, limit)).map { Row(key: records.key(of: $0), payload: try records[$0]) }
    }
}

extension RecordFileSummary.Row {
    fileprivate init(key: String, payload: Tensor) {
        self.init(key: key, bytes: payload.byteCount)
        // What has no header of an image's record, or no image behind it, may be anything.
        guard let record = try? ImageRecord(payload), let kind = record.image.withBytes(ImageHeader.kind) else {
            return
        }
        (labels, image) = (record.labels, kind.rawValue)
        do {
            let header = try record.image.withBytes { try ImageHeader($0) }
            (width, height) = (header.width, header.height)
        } catch { problem = "\(error)" }
    }
}
