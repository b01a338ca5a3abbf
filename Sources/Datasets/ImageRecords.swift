import MXNetFormat
import TensorCore

/// The images of a RecordIO file, as MXNet's `im2rec` packs them. Of an image's labels the first one counts.
struct ImageRecords: ImageCollection {
    private let records: IndexedRecords

    init(_ path: String) throws { records = try IndexedRecords(path) }

    var count: Int { records.count }
    var hasLabels: Bool { true }
    func place(of index: Int) -> String { records.place(of: index) }

    func image(at index: Int, gray: Bool) throws -> Image {
        let record = try record(index)
        return try locating(place(of: index)) { try record.image.withBytes { try ImageDecoder.decode($0, gray: gray) } }
    }

    func label(at index: Int) throws -> Int {
        try record(index).labels.first.map { Int(saturating: Double($0)) } ?? 0
    }

    private func record(_ index: Int) throws -> ImageRecord {
        let payload = try records[index]
        return try locating(place(of: index)) { try ImageRecord(payload) }
    }
}
