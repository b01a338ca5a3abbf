import GraphIR
import TensorCore

/// A 64-bit number that tells contents apart, to find out whether something is still what it was: FNV-1a
/// (Fowler, Noll and Vo; draft-eastlake-fnv) over words of eight bytes. It is no protection against a forger.
///
///     h = (h ⊕ word) · 0x100000001b3;  the upper half is mixed in, since products only carry upwards
struct Fingerprint: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x100_0000_01b3
        state ^= state >> 32
    }

    /// Adds bytes and how many they are.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        let whole = bytes.count / 8 * 8
        for offset in stride(from: 0, to: whole, by: 8) {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        }
        if whole < bytes.count {
            add(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    mutating func add(_ text: String) { Array(text.utf8).withUnsafeBytes { add($0) } }

    mutating func add(_ tensor: Tensor) {
        add("\(tensor.type)")
        tensor.withBytes { add($0) }
    }

    /// 16 hexadecimal digits.
    var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
