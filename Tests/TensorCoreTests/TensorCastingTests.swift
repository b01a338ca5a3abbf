import TensorCore
import Testing

struct TensorCastingTests {
    /// Values and bits of IEEE 754 binary16: the ends of its ranges, ties, and what rounds up into the next exponent.
    @Test(
        arguments: [
            (0, 0), (-0.0, 0x8000), (1, 0x3C00), (-2, 0xC000), (65504, 0x7BFF), (65519.99, 0x7BFF), (65520, 0x7C00),
            (0x1p-14, 0x0400), (0x1p-24, 0x0001), (0x1p-25, 0x0000), (0x1.8p-25, 0x0001), (0x1.ffcp-15, 0x0400),
            (1 + 0x1p-11, 0x3C00), (1 + 0x3p-11, 0x3C02), (2 - 0x1p-12, 0x4000), (.infinity, 0x7C00),
        ] as [(Float, UInt16)]) func halfs(_ value: Float, _ bits: UInt16)
    {
        #expect(value.halfBits == bits)
    }

    /// Every binary16 comes back.
    @Test func halfsComeBack() {
        for bits in UInt16.min...UInt16.max where bits & 0x7C00 != 0x7C00 || bits & 0x3FF == 0 {
            #expect(Float(halfBits: bits).halfBits == bits)
        }
    }

    @Test(
        arguments: [(1, 0x3F80), (1 + 0x1p-8, 0x3F80), (1 + 0x3p-8, 0x3F82), (.greatestFiniteMagnitude, 0x7F80)]
            as [(Float, UInt16)])
    func bfloat16s(_ value: Float, _ bits: UInt16) { #expect(value.bfloat16Bits == bits) }

    @Test func integersNeverPassThroughFloats() {
        let large = Int64.max - 1
        #expect(Tensor([large]).converted(to: .uint64) == Tensor([UInt64(large)]))
        #expect(Tensor([-1, 300] as [Int64]).converted(to: .uint8) == Tensor([0, 255] as [UInt8]))
        #expect(Tensor([0, 7] as [Int32]).converted(to: .bool) == Tensor([false, true]))
    }

    @Test func floatsAreCutOff() {
        let floats: [Float] = [-1.9, 2.9, 1e20, .nan]
        #expect(Tensor(floats).converted(to: .int32) == Tensor([-1, 2, .max, 0] as [Int32]))
        #expect(Tensor(floats).converted(to: .bool) == Tensor([true, true, true, true]))
        #expect(Tensor([0.1] as [Double]).converted(to: .float32) == Tensor([0.1] as [Float]))
    }
}
