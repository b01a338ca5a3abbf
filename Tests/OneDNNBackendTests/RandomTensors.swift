import TensorCore

/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Full-range codes, floats in −1...1, int32 in ±1000.
    mutating func tensor(_ type: DataType, _ shape: Shape) -> Tensor {
        let count = 0..<shape.elementCount
        switch type {
        case .uint8: return Tensor(count.map { _ in UInt8.random(in: 0...255, using: &self) }, shape: shape)
        case .int8: return Tensor(count.map { _ in Int8.random(in: -128...127, using: &self) }, shape: shape)
        case .int32: return Tensor(count.map { _ in Int32.random(in: -1000...1000, using: &self) }, shape: shape)
        default: return Tensor(count.map { _ in Float.random(in: -1...1, using: &self) }, shape: shape)
        }
    }
}
