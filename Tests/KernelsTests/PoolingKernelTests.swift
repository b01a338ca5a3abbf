import Kernels
import TensorCore
import Testing

@Suite struct PoolingKernelTests {
    private let nine = Tensor((1...9).map(Float.init), shape: [1, 1, 3, 3])

    private func pool(
        _ kind: PoolingKernel.Kind, _ source: Tensor, window: Int = 2, stride: Int = 2, begin: Int = 0, end: Int = 0,
        counted: Int? = nil
    ) throws -> Tensor {
        try PoolingKernel(
            kind: kind, window: [window, window], strides: [stride, stride], padsBegin: [begin, begin],
            padsEnd: [end, end], countedPadsEnd: counted.map { [$0, $0] }
        ).evaluate([source])[0]
    }

    @Test func maximumOfWhatLiesUnderTheWindow() throws {
        #expect(try pool(.max, nine, stride: 1).floats() == [5, 6, 8, 9])
        #expect(try pool(.max, nine, begin: 1).floats() == [1, 3, 7, 9])
        let codes = Tensor([-5, -7, -128, -6] as [Int8], shape: [1, 1, 2, 2])
        #expect(try pool(.max, codes).elements(as: Int8.self) == [-5])
    }

    @Test func averagesCountPaddingOrNot() throws {
        #expect(try pool(.averageExcludingPadding, nine, begin: 1).floats() == [1, 2.5, 5.5, 7])
        #expect(try pool(.averageIncludingPadding, nine, begin: 1).floats() == [0.25, 1.25, 2.75, 7])
        // A 2×2 window at stride 2 hangs over the end of 3×3 by one element that is not the model's padding.
        #expect(try pool(.averageIncludingPadding, nine, end: 1).floats() == [3, 2.25, 3.75, 2.25])
        #expect(try pool(.averageIncludingPadding, nine, end: 1, counted: 0).floats() == [3, 4.5, 7.5, 9])
    }

    @Test func averagesOfCodesRoundHalfToEven() throws {
        let codes = Tensor([1, 2, 2, 1, 2, 3, 3, 2, 255, 255, 255, 254] as [UInt8], shape: [1, 3, 2, 2])
        #expect(try pool(.averageExcludingPadding, codes).elements(as: UInt8.self) == [2, 2, 255])
    }

    @Test func aWindowThatLiesInPaddingDoesNotCrash() throws {
        let codes = Tensor([3] as [UInt8], shape: [1, 1, 1, 1])
        #expect(try pool(.max, codes, window: 1, stride: 1, begin: 1, end: 1).elements(as: UInt8.self)[4] == 3)
        #expect(
            try pool(.averageExcludingPadding, codes, window: 1, stride: 1, begin: 1, end: 1).elements(as: UInt8.self)
                == [0, 0, 0, 0, 3, 0, 0, 0, 0])
    }
}
