import Kernels
import OneDNNBackend
import TensorCore
import Testing

/// Programs that are only run for their outputs: fewer steps, smaller ones, the same results.
@Suite struct OutputsOnlyTests {
    private var random = SeededGenerator(state: 7)
    private var program = KernelProgram()

    /// A convolution with made-up weights, and a bias in float.
    private mutating func convolve(
        _ source: BufferID, _ channels: Int, window: Int = 1, stride: Int = 1, output: DataType = .float32,
        residual: BufferID? = nil
    ) throws -> BufferID {
        let isFloat = output == .float32, pad = [window / 2, window / 2]
        let stage = OutputStage(
            outputType: output, scales: isFloat ? [] : [0.001],
            postOperations: residual == nil ? [] : [.sum(scale: 0.5)], hasBias: isFloat)
        let kernel = ConvolutionKernel(
            strides: [stride, stride], dilations: [1, 1], padsBegin: pad, padsEnd: pad, stage: stage)
        let shape: Shape = [channels, program.type(of: source).shape[1], window, window]
        var operands = [source, program.addConstant(random.tensor(isFloat ? .float32 : .int8, shape))]
        if isFloat { operands.append(program.addConstant(random.tensor(.float32, [channels]))) }
        return try program.add(kernel, operands + (residual.map { [$0] } ?? []), node: "conv")[0]
    }

    private mutating func normalize(_ source: BufferID) throws -> BufferID {
        let channels = program.type(of: source).shape[1]
        let vectors = (0..<2).map { _ in program.addConstant(random.tensor(.float32, [channels])) }
        return try program.add(ScaleShiftKernel(), [source] + vectors, node: "bn")[0]
    }

    private mutating func relu(_ source: BufferID) throws -> BufferID {
        try program.add(ActivationKernel(.init(.relu)), [source], node: "relu")[0]
    }

    private mutating func add(_ a: BufferID, _ b: BufferID) throws -> BufferID {
        try program.add(BinaryKernel(.add), [a, b], node: "sum")[0]
    }

    /// The names of the kernels that are left; their results are those of the whole program's loops.
    private mutating func kernels(
        _ outputs: BufferID..., source: DataType = .float32, tolerance: Float = 2e-6
    ) throws -> [String] {
        program.outputs = outputs.map { .init(name: "y", buffer: $0) }
        let inputs = program.inputs.map { random.tensor(source, program.type(of: $0.buffer).shape) }
        let small = program.forOutputsOnly()
        let expected = try ReferenceExecutor(program).run(inputs)
        let found = try ReferenceExecutor(small).run(inputs) + OneDNNExecutor(small, threads: 1).run(inputs)
        for (a, b) in zip(expected + expected, found) {
            #expect(a.type == b.type)
            let size = a.floats().reduce(1) { max($0, abs($1)) }
            #expect(zip(a.floats(), b.floats()).allSatisfy { abs($0 - $1) <= tolerance * size })
        }
        return small.steps.map { type(of: $0.kernel).name }
    }

    @Test mutating func residualBlockIsTwoConvolutions() throws {
        let x = program.addInput("x", TensorType(.float32, [2, 16, 6, 6]))
        let first = try relu(normalize(convolve(x, 16, window: 3)))
        let second = try normalize(convolve(first, 16, window: 3))
        let y = try relu(add(second, x))
        #expect(try kernels(y) == ["convolution", "convolution"])
    }

    @Test mutating func sumOfTwoLayersBelongsToTheLater() throws {
        let x = program.addInput("x", TensorType(.float32, [1, 8, 5, 5]))
        let y = try relu(add(normalize(convolve(x, 8)), normalize(convolve(x, 8))))
        #expect(try kernels(y) == ["convolution", "convolution"])
    }

    @Test mutating func innerProductTakesItsFunction() throws {
        let x = program.addInput("x", TensorType(.float32, [3, 10]))
        let weights = program.addConstant(random.tensor(.float32, [4, 10]))
        let product = try program.add(InnerProductKernel(), [x, weights], node: "fc")[0]
        #expect(try kernels(relu(normalize(product))) == ["inner product"])
    }

    @Test mutating func whatIsUsedTwiceOrIsAnOutputStays() throws {
        let x = program.addInput("x", TensorType(.float32, [1, 8, 5, 5]))
        let first = try convolve(x, 8)
        let second = try convolve(relu(first), 8)
        let y = try add(second, first)
        #expect(try kernels(y, second) == ["convolution", "activation", "convolution", "binary"])
    }

    @Test mutating func weightsThatAreComputedAreNotFolded() throws {
        let x = program.addInput("x", TensorType(.float32, [1, 8, 5, 5]))
        let weights = program.addInput("w", TensorType(.float32, [8, 8, 1, 1]))
        let kernel = ConvolutionKernel(strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0])
        let y = try normalize(program.add(kernel, [x, weights], node: "conv")[0])
        #expect(try kernels(y) == ["convolution", "scale and shift"])
    }

    /// The end of a stage of ResNet-50 v1: the next one looks at every second pixel.
    @Test(arguments: [6, 7]) mutating func stridesMoveUp(_ edge: Int) throws {
        let x = program.addInput("x", TensorType(.float32, [1, 16, edge, edge]))
        let inner = try relu(convolve(relu(convolve(x, 8)), 8, window: 3))
        let end = try relu(add(convolve(inner, 16), x))
        let y = try add(convolve(end, 8, stride: 2), convolve(end, 8, stride: 2))
        #expect(
            try kernels(y) == ["convolution", "convolution", "pooling"] + ["convolution", "convolution", "convolution"])
        let strides = program.forOutputsOnly().steps.compactMap { ($0.kernel as? ConvolutionKernel)?.strides[0] }
        #expect(strides == [1, 2, 1, 1, 1])
    }

    @Test(.enabled(if: InstructionSet.current.hasVNNI, "int8 sums saturate in pairs"))
    mutating func stridesOfCodesMoveUpBitForBit() throws {
        let x = program.addInput("x", TensorType(.uint8, [2, 16, 7, 7]))
        let inner = try convolve(x, 8, window: 3, output: .uint8)
        let end = try convolve(inner, 16, output: .uint8, residual: x)
        let y = try convolve(end, 8, stride: 2, output: .int8)
        #expect(
            try kernels(y, source: .uint8, tolerance: 0) == ["convolution", "pooling", "convolution", "convolution"])
    }

    @Test mutating func stridesStayWhereOthersLookAtAllPixels() throws {
        let x = program.addInput("x", TensorType(.float32, [1, 8, 6, 6]))
        let end = try convolve(x, 8)
        let y = try convolve(end, 8, stride: 2), z = try convolve(end, 8)
        _ = try kernels(y, z)
        #expect(
            program.forOutputsOnly().steps.compactMap { ($0.kernel as? ConvolutionKernel)?.strides[0] } == [1, 2, 1])
    }
}
