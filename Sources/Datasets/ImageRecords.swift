import TensorCore

/// The images of a RecordIO file, as MXNet's `im2rec` packs them. A record is
///
///     u32 flag | f32 label | u64 id | u64 id | flag × f32 labels, if flag > 0 | JPEG or PNG
///
/// Of several labels the first counts. Source: MXNet 1.9.1, python/mxnet/recordio.py, `IRHeader`.
struct ImageRecords: ImageCollection {
    private let path: String
    private let file: RecordFile

    init(_ path: String) throws {
        self.path = path
        file = try RecordFile(path)
    }

    var count: Int { file.count }
    var hasLabels: Bool { true }
    func place(of index: Int) -> String { "\(path), \(file.place(of: index))" }

    func image(at index: Int, gray: Bool) throws -> Image {
        try locating(place(of: index)) {
            let (_, image) = try record(index)
            return try withExtendedLifetime(image.storage) {
                try ImageDecoder.decode(UnsafeRawBufferPointer(rebasing: image.storage.bytes[image.range]), gray: gray)
            }
        }
    }

    func label(at index: Int) throws -> Int { try locating(place(of: index)) { try record(index).label } }

    private func record(_ index: Int) throws -> (label: Int, image: (storage: TensorStorage, range: Range<Int>)) {
        let (storage, range) = try file.payload(of: index)
        var cursor = ByteCursor(storage, from: range.lowerBound, to: range.upperBound)
        let labelCount = Int(try cursor.read(UInt32.self, "label count"))
        var label = try cursor.read(UInt32.self, "label")
        try cursor.skip(16, "identifiers")
        if labelCount > 0 {
            label = try cursor.read(UInt32.self, "labels")
            try cursor.skip(4 * (labelCount - 1), "labels")
        }
        let value = Int(saturating: Double(Float(bitPattern: label)))
        return (value, (storage, cursor.position..<range.upperBound))
    }
}
