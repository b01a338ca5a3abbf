/// Damages files, always in the same way for the same seed.
struct Mutator {
    /// Inputs stay below this, so that thousands of them can be read.
    static let sizeLimit = 1 << 16

    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(state: seed) }

    /// One to four changes to one of the files.
    mutating func mutant(of files: [[UInt8]]) -> [UInt8] {
        guard var bytes = files.randomElement(using: &random) else { return [] }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            change(&bytes, files)
        }
        return Array(bytes.prefix(Self.sizeLimit))
    }

    private mutating func change(_ bytes: inout [UInt8], _ files: [[UInt8]]) {
        let range = slice(of: bytes)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: if !bytes.isEmpty { bytes[place(in: bytes)] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 1: if !bytes.isEmpty { bytes[place(in: bytes)] = .random(in: 0...255, using: &random) }
        case 2: bytes.removeSubrange(range)
        case 3: bytes.insert(contentsOf: bytes[range], at: range.upperBound)
        case 4: bytes.removeSubrange(range.lowerBound...)
        case 5:
            let other = files.randomElement(using: &random) ?? []
            bytes.replaceSubrange(range, with: other[slice(of: other)])
        case 6: overwrite(&bytes, at: range.lowerBound)
        default: replaceNumber(&bytes, from: range.lowerBound)
        }
    }

    private mutating func place(in bytes: [UInt8]) -> Int { .random(in: bytes.indices, using: &random) }

    /// Mostly short, anywhere.
    private mutating func slice(of bytes: [UInt8]) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &random)
        let length = Int.random(in: 0...(Bool.random(using: &random) ? 16 : 512), using: &random)
        return start..<min(start + length, bytes.count)
    }

    /// A number at the edge of its type, in 1, 2, 4 or 8 little-endian bytes.
    private mutating func overwrite(_ bytes: inout [UInt8], at start: Int) {
        let width = [1, 2, 4, 8].randomElement(using: &random) ?? 4
        let value = Self.edges.randomElement(using: &random) ?? 0
        for index in 0..<width where start + index < bytes.count {
            bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }

    /// The next number that is written in digits becomes one at the edge of its type.
    private mutating func replaceNumber(_ bytes: inout [UInt8], from start: Int) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = bytes[start...].firstIndex(where: digits.contains) else { return }
        let end = bytes[first...].firstIndex { !digits.contains($0) } ?? bytes.count
        let value = Self.edges.randomElement(using: &random) ?? 0
        bytes.replaceSubrange(first..<end, with: Array(String(value).utf8))
    }

    private static let edges: [Int] = [
        0, 1, -1, 2, 3, 127, 128, 255, 256, 4095, 65535, 65536, 1 << 24, 1 << 29, 1 << 31 - 1, 1 << 31, 1 << 32 - 1,
        1 << 32, 1 << 60, .max, .min, .max - 1, .max / 4,
    ]
}

/// Sebastiano Vigna's SplitMix64 (public domain): Swift's own generator cannot be seeded.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
