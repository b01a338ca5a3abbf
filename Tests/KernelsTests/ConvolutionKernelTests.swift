import Kernels
import TensorCore
import Testing

/// Hand-computed convolutions: small enough to be checked with a pencil.
@Suite struct ConvolutionKernelTests {
    private func convolve(
        _ source: Tensor, _ weights: Tensor, _ more: Tensor..., stride: Int = 1, dilation: Int = 1,
        begin: [Int] = [0, 0], end: [Int] = [0, 0], groups: Int = 1, stage: OutputStage = .init()
    ) throws -> Tensor {
        try ConvolutionKernel(
            strides: [stride, stride], dilations: [dilation, dilation], padsBegin: begin, padsEnd: end, groups: groups,
            stage: stage
        ).evaluate([source, weights] + more)[0]
    }

    private let nine = Tensor((1...9).map(Float.init), shape: [1, 1, 3, 3])

    @Test func slidesWithoutFlippingTheKernel() throws {
        let weights = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
        // 1·1 + 2·2 + 4·3 + 5·4 = 37, and so on to the right and down.
        #expect(try convolve(nine, weights) == Tensor([37, 47, 67, 77] as [Float], shape: [1, 1, 2, 2]))
    }

    @Test func padsEachSideByItself() throws {
        let weights = Tensor([1, 1, 1, 1] as [Float], shape: [1, 1, 2, 2])
        let result = try convolve(nine, weights, stride: 2, begin: [1, 0], end: [0, 1])
        // Rows −1…0 and 1…2; columns 0…1 and 2…3, where row −1 and column 3 are zeros.
        #expect(result == Tensor([3, 3, 24, 15] as [Float], shape: [1, 1, 2, 2]))
    }

    @Test func dilationSpreadsTheTaps() throws {
        let weights = Tensor([1, 10, 100, 1000] as [Float], shape: [1, 1, 2, 2])
        #expect(try convolve(nine, weights, dilation: 2) == Tensor([9731] as [Float], shape: [1, 1, 1, 1]))
    }

    @Test func groupsSeeOnlyTheirChannels() throws {
        let source = Tensor([1, 2, 3, 4] as [Float], shape: [1, 4, 1, 1])
        let weights = Tensor([1, 1, 10, 1, 5, 5, 0, -1] as [Float], shape: [4, 2, 1, 1])
        let result = try convolve(source, weights, groups: 2)
        #expect(result.floats() == [3, 12, 35, -4])
    }

    @Test func oneAndThreeAxes() throws {
        let line = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4])
        let kernel = ConvolutionKernel(strides: [2], dilations: [1], padsBegin: [1], padsEnd: [0])
        let pair = Tensor([1, 10] as [Float], shape: [1, 1, 2])
        #expect(try kernel.evaluate([line, pair])[0].floats() == [10, 32])

        let cube = Tensor((1...8).map(Float.init), shape: [1, 1, 2, 2, 2])
        let ones = Tensor([Float](repeating: 1, count: 8), shape: [1, 1, 2, 2, 2])
        let spatial = ConvolutionKernel(
            strides: [1, 1, 1], dilations: [1, 1, 1], padsBegin: [0, 0, 0], padsEnd: [0, 0, 0])
        #expect(try spatial.evaluate([cube, ones])[0].floats() == [36])
    }

    /// Sums 10 and −6 with biases 1 and 1: ·0.5 gives 5.5 and −2.5, which round to even; relu comes before the
    /// residual.
    @Test func stageRoundsHalfToEvenAndSaturates() throws {
        let source = Tensor([2, 4] as [UInt8], shape: [1, 2, 1, 1])
        let weights = Tensor([1, 2, 1, -2] as [Int8], shape: [2, 2, 1, 1])
        let bias = Tensor([1, 1] as [Int32])
        var stage = OutputStage(outputType: .int8, scales: [0.5], hasBias: true)
        #expect(try convolve(source, weights, bias, stage: stage).elements(as: Int8.self) == [6, -2])

        stage.scales = [0.5, 100]
        stage.outputType = .uint8
        #expect(try convolve(source, weights, bias, stage: stage).elements(as: UInt8.self) == [6, 0])
        stage.outputType = .int8
        #expect(try convolve(source, weights, bias, stage: stage).elements(as: Int8.self) == [6, -128])

        stage.postOperations = [.activation(.init(.relu)), .sum(scale: 0.25)]
        let residual = Tensor([-10, 127] as [Int8], shape: [1, 2, 1, 1])
        // 5.5 − 2.5 = 3; 0 + 31.75 → 32
        #expect(try convolve(source, weights, bias, residual, stage: stage).elements(as: Int8.self) == [3, 32])
    }

    @Test func int32ResultsKeepAllBits() throws {
        let source = Tensor([UInt8](repeating: 255, count: 1025), shape: [1, 1025, 1, 1])
        let weights = Tensor([Int8](repeating: 127, count: 1025), shape: [1, 1025, 1, 1])
        let result = try convolve(source, weights, stage: OutputStage(outputType: .int32))
        #expect(result.elements(as: Int32.self) == [33_194_625])
    }

    @Test func refusesWhatDoesNotFit() {
        let weights = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
        #expect(throws: ModelError.self) { try convolve(nine, Tensor([1] as [Float], shape: [1, 1, 1, 1]), groups: 2) }
        #expect(throws: ModelError.self) { try convolve(nine, weights, dilation: 3) }
        #expect(throws: ModelError.self) { try convolve(nine, weights, stage: OutputStage(scales: [1, 2])) }
    }

    @Test func innerProductFlattensItsSource() throws {
        let source = Tensor([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [2, 2, 1, 2])
        let weights = Tensor([1, 1, 1, 1, 1, 0, 0, -1] as [Float], shape: [2, 4])
        let bias = Tensor([0.5, 0] as [Float])
        let kernel = InnerProductKernel(stage: OutputStage(hasBias: true))
        #expect(
            try kernel.evaluate([source, weights, bias])[0] == Tensor([10.5, -3, 26.5, -3] as [Float], shape: [2, 2]))
    }
}
