import CZlib

/// The members of a ZIP file, found through the central directory at its end.
///
///     local header, data | local header, data | … | central directory | [zip64 end, zip64 locator] | end
///     central: "PK\1\2" | u16 made by, needed, flags, method, time, date | u32 crc, packed, size
///              | u16 name, extra, comment lengths | u16 disk, internal | u32 external, local offset
///              | name, extra, comment
///
/// A 32-bit field of ones says that the value is in the zip64 extra field.
/// Source: PKWARE APPNOTE.TXT 6.3.10, 4.3 to 4.5.
struct ZipReader: Sendable {
    struct Member: Sendable {
        var name: String
        fileprivate var flags: UInt16
        fileprivate var method: UInt16
        fileprivate var checksum: UInt32
        fileprivate var packedCount: Int
        /// Bytes once unpacked, as the central directory says.
        var byteCount: Int
        fileprivate var localOffset: Int
    }

    let members: [Member]
    private let storage: TensorStorage

    /// - Throws: `ModelError` if the file is no ZIP file, is truncated or spans several disks, or if members overlap.
    init(_ storage: TensorStorage) throws {
        self.storage = storage
        var directory = try Self.centralDirectory(of: storage)
        var members: [Member] = []
        while directory.remaining > 0 {
            try members.append(locating("central directory entry \(members.count)") { try Member(&directory) })
        }
        // Else a small file could hold the same data under any number of names.
        var room = storage.bytes.count
        for member in members {
            guard member.packedCount <= room else {
                throw ModelError("the members are larger than the file", advice: "the file looks damaged")
            }
            room -= member.packedCount
        }
        self.members = members
    }

    /// The unpacked bytes of a member: where they lie in the file if they are stored as they are, else new memory.
    /// - Throws: `ModelError` if they are encrypted, damaged, or more or fewer than the central directory says.
    func contents(of member: Member) throws -> (storage: TensorStorage, range: Range<Int>) {
        let packed = try packedRange(of: member)
        let result: (storage: TensorStorage, range: Range<Int>)
        switch member.method {
        case 0:
            guard member.packedCount == member.byteCount else {
                throw ModelError("\(member.packedCount) bytes are stored, but \(member.byteCount) are claimed")
            }
            result = (storage, packed)
        case 8: result = (try inflated(packed, byteCount: member.byteCount), 0..<member.byteCount)
        default: throw ModelError("is packed with method \(member.method); expected 0 (stored) or 8 (deflate)")
        }
        guard ZipChecksum.of(UnsafeRawBufferPointer(rebasing: result.storage.bytes[result.range])) == member.checksum
        else { throw ModelError("has another checksum than the archive says", advice: "the file looks damaged") }
        return result
    }

    /// The first unpacked bytes of a member, `limit` at most, without their checksum: enough to read a header without
    /// touching what follows it.
    func beginning(of member: Member, limit: Int) throws -> (storage: TensorStorage, range: Range<Int>) {
        let packed = try packedRange(of: member)
        guard member.method == 8 else { return (storage, packed) }
        var count = 0
        let start = try TensorStorage(byteCount: min(limit, member.byteCount)) { target in
            var stream = z_stream()
            guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw ModelError("cannot be unpacked: zlib did not start")
            }
            defer { inflateEnd(&stream) }
            let input = UnsafeRawBufferPointer(rebasing: storage.bytes[packed].prefix(1 << 30))
            stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input.count)
            stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(target.count)
            _ = inflate(&stream, Z_SYNC_FLUSH)
            count = target.count - Int(stream.avail_out)
        }
        return (start, 0..<count)
    }

    /// Where the packed bytes of a member lie.
    private func packedRange(of member: Member) throws -> Range<Int> {
        guard member.flags & 1 == 0 else { throw ModelError("is encrypted") }
        var local = ByteCursor(storage, from: member.localOffset)
        guard try local.read(UInt32.self, "local header") == 0x0403_4B50 else {
            throw ModelError("no local header", at: "byte \(member.localOffset)", advice: "the file looks damaged")
        }
        _ = try local.skip(22, "local header")
        let nameCount = Int(try local.read(UInt16.self, "name length"))
        let extraCount = Int(try local.read(UInt16.self, "extra length"))
        _ = try local.skip(nameCount + extraCount, "name and extra field")
        let start = try local.skip(member.packedCount, "data")
        return start..<start + member.packedCount
    }

    /// Deflate cannot shrink anything to less than 1/1032, and what does not fit in memory is no array: a claim beyond
    /// either is refused before anything is allocated.
    private func inflated(_ packed: Range<Int>, byteCount: Int) throws -> TensorStorage {
        guard byteCount / 1032 <= packed.count, byteCount <= TensorStorage.memoryLimit else {
            throw ModelError(
                "\(packed.count) packed bytes are said to become \(byteCount)", advice: "the file looks damaged")
        }
        var source = UnsafeRawBufferPointer(rebasing: storage.bytes[packed])
        return try TensorStorage(byteCount: byteCount) { target in
            var stream = z_stream()
            guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw ModelError("cannot be unpacked: zlib did not start")
            }
            defer { inflateEnd(&stream) }
            var room = target, status = Z_OK
            // zlib counts in 32 bits. One byte more than claimed is offered to see whether there would be more.
            var surplus: UInt8 = 0
            while status == Z_OK {
                let input = UnsafeRawBufferPointer(rebasing: source.prefix(1 << 30))
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                let output = min(room.count, 1 << 30)
                if output > 0 {
                    stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(output)
                    status = inflate(&stream, Z_NO_FLUSH)
                    room = UnsafeMutableRawBufferPointer(rebasing: room.dropFirst(output - Int(stream.avail_out)))
                } else {
                    status = withUnsafeMutablePointer(to: &surplus) {
                        stream.next_out = $0
                        stream.avail_out = 1
                        return inflate(&stream, Z_NO_FLUSH)
                    }
                    guard stream.avail_out == 1 else { throw ModelError("unpacks to more than \(byteCount) bytes") }
                }
                source = UnsafeRawBufferPointer(rebasing: source.dropFirst(input.count - Int(stream.avail_in)))
            }
            guard status == Z_STREAM_END else {
                throw ModelError("its packed data is damaged or ends early (zlib status \(status))")
            }
            guard room.isEmpty else {
                throw ModelError("unpacks to \(byteCount - room.count) bytes, but \(byteCount) are claimed")
            }
        }
    }

    private static func centralDirectory(of storage: TensorStorage) throws -> ByteCursor {
        let total = storage.bytes.count
        // The end record is 22 bytes and a comment of at most 65,535.
        let candidates = stride(from: total - 22, through: max(0, total - 22 - 0xFFFF), by: -1)
        guard let end = candidates.first(where: { offset in
            storage.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) == 0x0605_4B50
        }) else { throw ModelError("is not a ZIP file, or its end is missing", advice: "the file looks truncated") }
        var record = ByteCursor(storage, from: end)
        _ = try record.skip(12, "end record")
        var count = UInt64(try record.read(UInt32.self, "central directory size"))
        var offset = UInt64(try record.read(UInt32.self, "central directory offset"))
        if count == UInt64(UInt32.max) || offset == UInt64(UInt32.max), end >= 20 {
            var locator = ByteCursor(storage, from: end - 20)
            if try locator.read(UInt32.self, "zip64 locator") == 0x0706_4B50 {
                _ = try locator.read(UInt32.self, "zip64 disk")
                record = ByteCursor(storage, from: try locator.readCount("zip64 end offset", limit: end))
                guard try record.read(UInt32.self, "zip64 end") == 0x0606_4B50 else {
                    throw ModelError("the zip64 end record is missing", advice: "the file looks damaged")
                }
                _ = try record.skip(36, "zip64 end")
                count = try record.read(UInt64.self, "central directory size")
                offset = try record.read(UInt64.self, "central directory offset")
            }
        }
        let (last, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, last <= UInt64(end) else {
            throw ModelError(
                "the central directory is said to be bytes \(offset) to \(last), but the file has \(total)",
                advice: "the file looks damaged")
        }
        return ByteCursor(storage, from: Int(offset), to: Int(last))
    }
}

extension ZipReader.Member {
    fileprivate init(_ directory: inout ByteCursor) throws {
        guard try directory.read(UInt32.self, "signature") == 0x0201_4B50 else {
            throw ModelError("no entry of a central directory", at: "byte \(directory.position - 4)")
        }
        _ = try directory.skip(4, "versions")
        flags = try directory.read(UInt16.self, "flags")
        method = try directory.read(UInt16.self, "method")
        _ = try directory.skip(4, "time")
        checksum = try directory.read(UInt32.self, "checksum")
        let packed = try directory.read(UInt32.self, "packed size")
        let unpacked = try directory.read(UInt32.self, "size")
        let nameCount = Int(try directory.read(UInt16.self, "name length"))
        let extraCount = Int(try directory.read(UInt16.self, "extra length"))
        let commentCount = Int(try directory.read(UInt16.self, "comment length"))
        _ = try directory.skip(8, "attributes")
        let local = try directory.read(UInt32.self, "local header offset")
        name = try directory.readString(byteCount: nameCount, "name")
        let extraStart = try directory.skip(extraCount, "extra field")
        _ = try directory.skip(commentCount, "comment")

        // Within the zip64 field come only those values whose 32-bit field is all ones, in this order.
        var zip64 = try Self.zip64(ByteCursor(directory.storage, from: extraStart, to: extraStart + extraCount))
        func wide(_ value: UInt32, _ what: String) throws -> Int {
            value == .max && zip64.remaining > 0 ? try zip64.readCount(what, limit: Int.max / 2) : Int(value)
        }
        byteCount = try wide(unpacked, "size")
        packedCount = try wide(packed, "packed size")
        localOffset = try wide(local, "local header offset")
    }

    /// The contents of the extra field with number 1; empty if there is none.
    private static func zip64(_ extra: ByteCursor) throws -> ByteCursor {
        var extra = extra
        while extra.remaining >= 4 {
            let kind = try extra.read(UInt16.self, "extra field")
            let count = Int(try extra.read(UInt16.self, "extra field"))
            let start = try extra.skip(count, "extra field")
            if kind == 1 { return ByteCursor(extra.storage, from: start, to: start + count) }
        }
        return ByteCursor(extra.storage, from: 0, to: 0)
    }
}
