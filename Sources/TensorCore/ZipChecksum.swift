import CZlib

/// CRC-32 as ZIP has it, of bytes that come in pieces.
struct ZipChecksum {
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // zlib takes a missing address for the wish to start anew.
        guard !bytes.isEmpty else { return }
        let next = crc32_z(UInt(value), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        value = UInt32(truncatingIfNeeded: next)
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = ZipChecksum()
        checksum.update(bytes)
        return checksum.value
    }
}
