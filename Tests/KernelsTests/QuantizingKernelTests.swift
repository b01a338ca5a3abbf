import Kernels
import TensorCore
import Testing

@Suite struct QuantizingKernelTests {
    @Test func quantizeRoundsHalfToEvenAndSaturates() throws {
        let source = Tensor([0.5, 1.5, 2.5, -0.5, -1.5, 1000, -1000, .nan] as [Float])
        #expect(
            try QuantizeKernel(factor: 1, outputType: .int8).evaluate([source])[0]
                == Tensor([0, 2, 2, 0, -2, 127, -128, 0] as [Int8]))
        #expect(
            try QuantizeKernel(factor: 1, outputType: .uint8).evaluate([source])[0]
                == Tensor([0, 2, 2, 0, 0, 255, 0, 0] as [UInt8]))
        // The zero point is added to the rounded value: 0.5 → 0 + 1, not round(1.5) = 2.
        #expect(
            try QuantizeKernel(factor: 1, zeroPoint: 1, outputType: .uint8).evaluate([source])[0]
                == Tensor([1, 3, 3, 1, 0, 255, 0, 0] as [UInt8]))
    }

    @Test func requantizesInt32() throws {
        let sums = Tensor([0, 5, -5, 2_000_000_000] as [Int32])
        #expect(
            try QuantizeKernel(factor: 0.5, outputType: .int8).evaluate([sums])[0] == Tensor([0, 2, -2, 127] as [Int8]))
    }

    @Test func dequantizes() throws {
        let codes = Tensor([0, 130, 255] as [UInt8])
        #expect(
            try DequantizeKernel(factor: 0.5, zeroPoint: 128).evaluate([codes])[0].floats() == [-64, 1, 63.5])
    }

    // MARK: Ranges found at run time

    @Test func quantizeFindsItsRange() throws {
        let source = Tensor([-2, 0, 1, 4] as [Float])
        let signed = try RunTimeQuantizeKernel(outputType: .int8).evaluate([source])
        // 127.5 / 4 = 31.875: −63.75 → −64, 31.875 → 32, 127.5 → 128, which saturates.
        #expect(signed[0] == Tensor([-64, 0, 32, 127] as [Int8]))
        #expect(signed[1] == Tensor([-4, 4] as [Float]))
        let unsigned = try RunTimeQuantizeKernel(outputType: .uint8).evaluate([source])
        #expect(unsigned[0] == Tensor([0, 0, 64, 255] as [UInt8]))
        #expect(unsigned[1] == Tensor([-2, 4] as [Float]))
    }

    @Test func zerosAndEmptyTensorsHaveARange() throws {
        let zeros = try RunTimeQuantizeKernel(outputType: .int8).evaluate([Tensor([0, 0] as [Float])])
        #expect(zeros[0] == Tensor([0, 0] as [Int8]) && zeros[1].floats().allSatisfy { $0 == 0 })
        let none = try RunTimeQuantizeKernel(outputType: .uint8).evaluate([Tensor([] as [Float])])
        #expect(none[1] == Tensor([0, 0] as [Float]))
        let sums = try RunTimeRequantizeKernel(outputType: .int8)
            .evaluate([Tensor([0, 0] as [Int32]), Tensor([-1, 1] as [Float])])
        #expect(sums[0] == Tensor([0, 0] as [Int8]) && sums[1].floats().allSatisfy { $0 == 0 })
    }

    /// As MXNet: s_x = 127.5 / 127.5 = 1, s_w = 2: biases 1.25 and −10 become 2 (2.5 rounds to even) and −20. The residual's
    /// range of 255 at int8 is 0.5 codes a unit, so each of its codes counts 1 · 2 / 0.5 = 4.
    @Test func accumulatorAddsBiasAndResidual() throws {
        let kernel = RunTimeAccumulatorKernel(
            weightMagnitude: 63.5, weightCodesPerUnit: 2, sourceType: .int8, residualType: .int8, hasBias: true,
            activation: ActivationFunction(.relu), repeatsMXNet: true)
        let results = try kernel.evaluate([
            Tensor([10, 10] as [Int32], shape: [1, 2]), Tensor([-127.5, 100] as [Float]),
            Tensor([1.25, -10] as [Float]),
            Tensor([3, 1] as [Int8], shape: [1, 2]), Tensor([-255, 255] as [Float]),
        ])
        #expect(results[0] == Tensor([24, 0] as [Int32], shape: [1, 2]))
        // (127.5 / 127) · (63.5 / 127) · (2^31 − 1)
        let limit = results[1].floats()[1]
        #expect(abs(limit / 1_077_969_152 - 1) < 1e-6 && results[1].floats()[0] == -limit)
    }

    /// A unit of 1/2 and the same bias and residual: 5 + 1.25 + 6 = 12.25 and 5 − 10 + 2 = −3; a bias of 2³⁰ needs units
    /// of 1.
    @Test func accumulatorAddsRealUnits() throws {
        let kernel = RunTimeAccumulatorKernel(
            weightMagnitude: 63.5, weightCodesPerUnit: 2, sourceType: .int8, residualType: .int8, hasBias: true,
            activation: ActivationFunction(.relu))
        func results(bias: [Float]) throws -> [Tensor] {
            try kernel.evaluate([
                Tensor([10, 10] as [Int32], shape: [1, 2]), Tensor([-127.5, 100] as [Float]), Tensor(bias),
                Tensor([3, 1] as [Int8], shape: [1, 2]), Tensor([-255, 255] as [Float]),
            ])
        }
        let small = try results(bias: [1.25, -10])
        #expect(small[0] == Tensor([24, 0] as [Int32], shape: [1, 2]) && small[1].floats()[1] == 0x1p30)
        let large = try results(bias: [0x1p30, 0])
        #expect(large[0] == Tensor([1 << 30, 7] as [Int32], shape: [1, 2]) && large[1].floats()[1] == 0x1p31)
    }

    /// The range ±(2^31 − 1) makes a unit of 1: R = 200, so 127.5/200 and 255.5/200; MXNet takes 127/200 and 255/200.
    @Test func requantizeFindsItsRange() throws {
        let sums = Tensor([-200, 100, 3] as [Int32]), range = Tensor([-2_147_483_648, 2_147_483_648] as [Float])
        func codes(_ type: DataType, _ repeatsMXNet: Bool) throws -> [Tensor] {
            try RunTimeRequantizeKernel(outputType: type, repeatsMXNet: repeatsMXNet).evaluate([sums, range])
        }
        #expect(try codes(.int8, false) == [Tensor([-128, 64, 2] as [Int8]), Tensor([-200, 200] as [Float])])
        #expect(try codes(.int8, true) == [Tensor([-127, 64, 2] as [Int8]), Tensor([-200, 200] as [Float])])
        #expect(try codes(.uint8, true) == [Tensor([0, 128, 4] as [UInt8]), Tensor([0, 200] as [Float])])
    }

    @Test func dequantizeReadsTheRange() throws {
        let kernel = RunTimeDequantizeKernel()
        #expect(try kernel.evaluate([Tensor([2] as [Int8]), Tensor([-255, 0] as [Float])])[0].floats() == [4])
        #expect(try kernel.evaluate([Tensor([2] as [UInt8]), Tensor([0, 511] as [Float])])[0].floats() == [4])
        #expect(throws: ModelError.self) { try kernel.evaluate([Tensor([2] as [Int8])]) }
    }
}
