import CZlib

/// Writes a ZIP file member by member; the layout is at `ZipReader`. Sizes always go to the zip64 fields, so that small
/// and large files are written the same way. Source: PKWARE APPNOTE.TXT 6.3.10, 4.3 to 4.5.
final class ZipWriter {
    private struct Member {
        var name: [UInt8]
        var localOffset: Int
        var checksum = ZipChecksum()
        var packedCount = 0
        var byteCount = 0
    }

    private let file: FileWriter
    private let isCompressed: Bool
    private var members: [Member] = []

    init(_ file: FileWriter, compressed: Bool) {
        self.file = file
        isCompressed = compressed
    }

    /// Adds a member made of `pieces`, one after the other.
    func add(_ name: String, _ pieces: [UnsafeRawBufferPointer]) throws {
        var member = Member(name: Array(name.utf8), localOffset: file.position)
        guard member.name.count <= 0xFFFF else { throw ModelError("the name '\(name.prefix(40))…' is too long") }
        // Checksum and sizes are not known yet; they are filled in below.
        try file.write(localHeader(of: member))
        let start = file.position
        for piece in pieces {
            member.checksum.update(piece)
            member.byteCount += piece.count
            if !isCompressed { try file.write(piece) }
        }
        if isCompressed { try deflate(pieces) }
        member.packedCount = file.position - start
        try file.overwrite(at: member.localOffset, with: localHeader(of: member))
        members.append(member)
    }

    /// Writes the central directory; nothing can be added afterwards.
    func finish() throws {
        let start = file.position
        for member in members { try file.write(centralEntry(of: member)) }
        let end = file.position
        var record = LittleEndianBytes()
        record.append(0x0606_4B50 as UInt32, 44 as UInt64, Self.version, Self.version, 0 as UInt32, 0 as UInt32)
        record.append(UInt64(members.count), UInt64(members.count), UInt64(end - start), UInt64(start))
        record.append(0x0706_4B50 as UInt32, 0 as UInt32, UInt64(end), 1 as UInt32)
        record.append(0x0605_4B50 as UInt32, 0 as UInt32, UInt16.max, UInt16.max, UInt32.max, UInt32.max, 0 as UInt16)
        try file.write(record.bytes)
    }

    private func deflate(_ pieces: [UnsafeRawBufferPointer]) throws {
        var stream = z_stream()
        guard deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw ModelError("cannot be compressed: zlib did not start") }
        defer { deflateEnd(&stream) }
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 16) { packed in
            func run(_ flush: Int32) throws {
                repeat {
                    stream.next_out = packed.baseAddress
                    stream.avail_out = UInt32(packed.count)
                    // Cannot fail: the stream is sound and there is room.
                    _ = CZlib.deflate(&stream, flush)
                    let produced = packed.count - Int(stream.avail_out)
                    try file.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(packed)[..<produced]))
                } while stream.avail_out == 0
            }
            for piece in pieces {
                var rest = piece
                while !rest.isEmpty {
                    // zlib counts in 32 bits.
                    let input = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
                    stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                    stream.avail_in = UInt32(input.count)
                    try run(Z_NO_FLUSH)
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(input.count))
                }
            }
            try run(Z_FINISH)
        }
    }

    private func localHeader(of member: Member) -> [UInt8] {
        var header = LittleEndianBytes()
        header.append(0x0403_4B50 as UInt32, Self.version, Self.utf8Name, method)
        header.append(Self.time, Self.date, member.checksum.value, UInt32.max, UInt32.max)
        header.append(UInt16(member.name.count), 20 as UInt16)
        header.bytes += member.name
        header.append(1 as UInt16, 16 as UInt16, UInt64(member.byteCount), UInt64(member.packedCount))
        return header.bytes
    }

    private func centralEntry(of member: Member) -> [UInt8] {
        var entry = LittleEndianBytes()
        // Made by version 4.5 on Unix, readable and writable by the owner, readable by all.
        entry.append(0x0201_4B50 as UInt32, 3 << 8 | Self.version, Self.version, Self.utf8Name, method)
        entry.append(Self.time, Self.date, member.checksum.value, UInt32.max, UInt32.max)
        entry.append(UInt16(member.name.count), 28 as UInt16, 0 as UInt16, 0 as UInt16, 0 as UInt16)
        entry.append(0o100644 << 16 as UInt32, UInt32.max)
        entry.bytes += member.name
        entry.append(1 as UInt16, 24 as UInt16)
        entry.append(UInt64(member.byteCount), UInt64(member.packedCount), UInt64(member.localOffset))
        return entry.bytes
    }

    private var method: UInt16 { isCompressed ? 8 : 0 }
    private static let version: UInt16 = 45
    private static let utf8Name: UInt16 = 1 << 11
    // Midnight of 1980-01-01, so that the same arrays make the same file.
    private static let time: UInt16 = 0, date: UInt16 = 1 << 5 | 1
}

private struct LittleEndianBytes {
    var bytes: [UInt8] = []

    mutating func append<each Value: FixedWidthInteger>(_ value: repeat each Value) {
        for value in repeat each value { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    }
}
