/// Reads little-endian values from bytes, in order, never past their end.
public struct ByteCursor {
    /// What is read.
    public let storage: TensorStorage
    /// The next byte, from the start of the storage.
    public private(set) var position: Int
    /// Where the readable part ends.
    public let end: Int

    /// A cursor on the bytes `start ..< end`.
    public init(_ storage: TensorStorage, from start: Int = 0, to end: Int? = nil) {
        self.storage = storage
        self.end = min(end ?? storage.bytes.count, storage.bytes.count)
        self.position = min(max(start, 0), self.end)
    }

    /// Bytes that are left.
    public var remaining: Int { end - position }

    /// The next value of a fixed-width type.
    /// - Throws: `ModelError` naming the byte if fewer bytes remain.
    public mutating func read<Value: FixedWidthInteger>(_ type: Value.Type, _ what: String) throws -> Value {
        let width = MemoryLayout<Value>.size
        try require(width, what)
        defer { position += width }
        return Value(littleEndian: storage.bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    /// A count or length that is stored as an unsigned 64-bit number.
    /// - Throws: `ModelError` if it is larger than `limit`.
    public mutating func readCount(_ what: String, limit: Int) throws -> Int {
        let start = position
        let value = try read(UInt64.self, what)
        guard value <= UInt64(max(limit, 0)) else {
            throw ModelError(
                "\(what) is \(value), but only \(max(limit, 0)) can follow", at: "byte \(start)",
                advice: "the file looks truncated or damaged")
        }
        return Int(value)
    }

    /// The next `count` bytes as UTF-8; bytes that are none are replaced.
    public mutating func readString(byteCount count: Int, _ what: String) throws -> String {
        try require(count, what)
        defer { position += count }
        return String(
            decoding: UnsafeRawBufferPointer(rebasing: storage.bytes[position..<position + count]), as: UTF8.self)
    }

    /// Passes over `count` bytes and returns where they began.
    @discardableResult
    public mutating func skip(_ count: Int, _ what: String) throws -> Int {
        try require(count, what)
        defer { position += count }
        return position
    }

    private func require(_ count: Int, _ what: String) throws {
        guard count >= 0, count <= remaining else {
            throw ModelError(
                "\(what) needs \(count) bytes, but \(remaining) remain", at: "byte \(position)",
                advice: "the file looks truncated")
        }
    }
}
