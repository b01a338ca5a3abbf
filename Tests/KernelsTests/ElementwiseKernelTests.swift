import Kernels
import TensorCore
import Testing

@Suite struct ElementwiseKernelTests {
    @Test func activationsOfCodesStayCodes() throws {
        let codes = Tensor([-100, 0, 100] as [Int8])
        #expect(try ActivationKernel(.init(.relu)).evaluate([codes])[0] == Tensor([0, 0, 100] as [Int8]))
        #expect(
            try ActivationKernel(.init(.clip, alpha: -3, beta: 50)).evaluate([codes])[0]
                == Tensor([-3, 0, 50] as [Int8]))
    }

    @Test func binaryBroadcastsLikeNumPy() throws {
        let a = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        let row = Tensor([10, 20, 30] as [Float]), column = Tensor([1, -1] as [Float], shape: [2, 1])
        #expect(
            try BinaryKernel(.add).evaluate([a, row])[0] == Tensor([11, 22, 33, 14, 25, 36] as [Float], shape: [2, 3]))
        #expect(try BinaryKernel(.multiply).evaluate([a, column])[0].floats() == [1, 2, 3, -4, -5, -6])
        #expect(
            try BinaryKernel(.subtract).evaluate([column, row])[0]
                == Tensor([-9, -19, -29, -11, -21, -31] as [Float], shape: [2, 3]))
        #expect(
            try BinaryKernel(.divide).evaluate([a, Tensor(scalar: Float(2))])[0].floats() == [0.5, 1, 1.5, 2, 2.5, 3])
        #expect(throws: ModelError.self) { try BinaryKernel(.add).evaluate([a, Tensor([1, 2] as [Float])]) }
    }

    @Test func scaledAddRoundsOnce() throws {
        let a = Tensor([1, 2, 255, 7] as [UInt8]), b = Tensor([1, 3, 127, -128] as [Int8])
        let kernel = ScaledAddKernel(scaleA: 0.25, scaleB: 0.25, outputType: .int8)
        // 0.5 → 0, 1.25 → 1, 95.5 → 96, −30.25 → −30
        #expect(try kernel.evaluate([a, b])[0] == Tensor([0, 1, 96, -30] as [Int8]))
        let clamped = ScaledAddKernel(scaleA: 2, scaleB: 1, outputType: .uint8, relu: true)
        #expect(try clamped.evaluate([a, b])[0] == Tensor([3, 7, 255, 0] as [UInt8]))
    }

    @Test func scaleAndShiftRunAlongTheChannels() throws {
        let source = Tensor([1, 2, 3, 4] as [Float], shape: [1, 2, 2])
        let result = try ScaleShiftKernel().evaluate([source, Tensor([2, -1] as [Float]), Tensor([1, 0.5] as [Float])])
        #expect(result[0].floats() == [3, 5, -2.5, -3.5])
    }

    @Test func softmaxRunsAlongItsAxis() throws {
        // exp(0) : exp(ln 3) = 1 : 3, also where the values are large.
        let ln3: Float = 1.0986123
        let source = Tensor([0, 1000, ln3, 1000] as [Float], shape: [2, 2])
        let columns = try SoftmaxKernel(axis: 0).evaluate([source])[0].floats()
        #expect(zip(columns, [0.25, 0.5, 0.75, 0.5] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        let rows = try SoftmaxKernel(axis: -1).evaluate([source])[0].floats()
        #expect(rows == [0, 1, 0, 1])
        #expect(throws: ModelError.self) { try SoftmaxKernel(axis: 2).evaluate([source]) }
    }

    @Test func reshapeAndReinterpretKeepTheBytes() throws {
        let source = Tensor([1, 255] as [UInt8], shape: [1, 2])
        #expect(try ReshapeKernel([2]).evaluate([source])[0] == Tensor([1, 255] as [UInt8]))
        #expect(try ReinterpretKernel(as: .int8).evaluate([source])[0] == Tensor([1, -1] as [Int8], shape: [1, 2]))
        #expect(throws: ModelError.self) { try ReshapeKernel([3]).evaluate([source]) }
        #expect(throws: ModelError.self) { try ReinterpretKernel(as: .float32).evaluate([source]) }
    }
}
