import TensorCore

/// The record of an image with its labels (python/mxnet/recordio.py, IRHeader and pack):
///
///     u32 n | f32 label | u64 id | u64 id2 | n × f32 labels | a JPEG or PNG file
///
/// n is 0 if there is one label, which then stands in front; otherwise the one in front is 0.
public struct ImageRecord: Sendable {
    /// One, or as many as the header says.
    public var labels: [Float]
    /// The image's number.
    public var id: UInt64
    /// A second identifier, which MXNet's own tools leave 0.
    public var id2: UInt64
    /// The bytes of the image's file: uint8 of one axis.
    public var image: Tensor

    /// A record around the bytes of a JPEG or PNG.
    public init(labels: [Float], id: UInt64, id2: UInt64 = 0, image: Tensor) {
        self.labels = labels
        self.id = id
        self.id2 = id2
        self.image = image
    }

    /// - Parameter record: A record's payload; the image is a slice of it.
    /// - Throws: `ModelError` that names the byte within the file if the payload ends before the image.
    public init(_ record: Tensor) throws {
        var cursor = ByteCursor(
            record.storage, from: record.byteOffset, to: record.byteOffset + record.byteCount)
        let count = Int(try cursor.read(UInt32.self, "the number of labels"))
        let label = Float(bitPattern: try cursor.read(UInt32.self, "the label"))
        id = try cursor.read(UInt64.self, "the identifier")
        id2 = try cursor.read(UInt64.self, "the second identifier")
        guard count <= cursor.remaining / 4 else {
            throw ModelError(
                "\(count) labels are claimed, but \(cursor.remaining) bytes remain", at: "byte \(cursor.position)",
                advice: "the record is not an image's, or it is damaged")
        }
        labels = count == 0 ? [label] : []
        for _ in 0..<count { labels.append(Float(bitPattern: try cursor.read(UInt32.self, "a label"))) }
        image = try Tensor(
            dataType: .uint8, shape: [cursor.remaining], storage: record.storage, byteOffset: cursor.position)
    }

    /// The payload that `RecordWriter` writes.
    public var encoded: [UInt8] {
        let isSingle = labels.count == 1
        var bytes: [UInt8] = []
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        append(isSingle ? 0 : UInt32(labels.count))
        append(isSingle ? labels[0].bitPattern : 0)
        append(id)
        append(id2)
        if !isSingle { for label in labels { append(label.bitPattern) } }
        image.withBytes { bytes += $0 }
        return bytes
    }
}
