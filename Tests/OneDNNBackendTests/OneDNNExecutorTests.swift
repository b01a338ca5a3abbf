import Kernels
import OneDNNBackend
import TensorCore
import Testing

/// Whole programs: layouts that are carried on, sums in place, memory that is used again, observation.
@Suite struct OneDNNExecutorTests {
    /// Everything that both executors compute, in the order in which it is observed.
    private func expectAgreement(
        _ program: KernelProgram, _ inputs: [Tensor], tolerance: Float = 0, runs: Int = 2
    ) throws {
        let all = Set(program.inputs.map(\.buffer) + program.steps.flatMap(\.results))
        var expected: [(BufferID, Tensor)] = []
        let expectedOutputs = try ReferenceExecutor(program).run(inputs, observing: all) { expected.append(($0, $1)) }
        let executor = try OneDNNExecutor(program, threads: 1)
        for _ in 0..<runs {
            var observed: [(BufferID, Tensor)] = []
            let outputs = try executor.run(inputs, observing: all) { observed.append(($0, $1)) }
            try #require(observed.map(\.0) == expected.map(\.0))
            let names = observed.map { "\($0.0)" } + program.outputs.map(\.name)
            for (name, (a, b)) in zip(names, zip(observed.map(\.1) + outputs, expected.map(\.1) + expectedOutputs)) {
                #expect(a.type == b.type)
                let difference = zip(a.floats(), b.floats()).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
                #expect(difference <= tolerance, "\(name), \(a.type): \(difference)")
            }
        }
    }

    private func convolution(
        _ outputType: DataType, kernel: Int = 3, _ operations: [PostOperation] = [], scale: Float = 0.002
    ) -> ConvolutionKernel {
        let pad = [kernel / 2, kernel / 2]
        return ConvolutionKernel(
            strides: [1, 1], dilations: [1, 1], padsBegin: pad, padsEnd: pad,
            stage: OutputStage(outputType: outputType, scales: [scale], postOperations: operations))
    }

    /// Chains of codes in which every step draws its operands from all that was computed before: residuals that are
    /// needed later, that are the source as well, or that are seen through a reshape.
    @Test(.enabled(if: InstructionSet.current.hasVNNI, "int8 sums saturate in pairs"), arguments: 1...24)
    func randomProgramsAgreeBitForBit(_ seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let shape: Shape = [2, 8, 5, 5]
        var program = KernelProgram()
        let input = program.addInput("x", TensorType(.float32, shape))
        var maps: [BufferID] = []
        maps += try program.add(QuantizeKernel(factor: 100, outputType: .uint8), [input], node: "quantize")
        maps += try program.add(QuantizeKernel(factor: 100, outputType: .int8), [input], node: "quantize")
        for step in 0..<14 {
            func any() -> BufferID { maps.randomElement(using: &random) ?? maps[0] }
            let type: DataType = Bool.random(using: &random) ? .uint8 : .int8
            let node = "step \(step)"
            let (source, other) = (any(), any())
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3:
                let kernel = Bool.random(using: &random) ? 3 : 1
                let weights = program.addConstant(random.tensor(.int8, [8, 8, kernel, kernel]))
                let sum = Int.random(in: 0..<3, using: &random) > 0
                let kind = convolution(type, kernel: kernel, sum ? [.sum(scale: 0.5)] : [])
                maps += try program.add(kind, [source, weights] + (sum ? [other] : []), node: node)
            case 4:
                maps += try program.add(
                    ScaledAddKernel(scaleA: 0.5, scaleB: 0.75, outputType: type), [source, other], node: node)
            case 5:
                let pooling = PoolingKernel(
                    kind: .max, window: [3, 3], strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1])
                maps += try program.add(pooling, [source], node: node)
            case 6:
                let flat = try program.add(ReshapeKernel([2, 200]), [source], node: node)
                maps += try program.add(ReshapeKernel(shape), flat, node: node)
            default:
                let real = try program.add(DequantizeKernel(factor: 0.01), [source], node: node)
                let function = ActivationKernel(.init(.softsign))  // which oneDNN does not have
                let bent = try program.add(function, real, node: node)
                maps += try program.add(QuantizeKernel(factor: 90, outputType: type), bent, node: node)
            }
        }
        let outputs = [maps[maps.count - 1], maps[maps.count / 2], maps[2]]
        program.outputs = outputs.map { KernelProgram.Port(name: "output \($0.index)", buffer: $0) }
        try expectAgreement(program, [random.tensor(.float32, shape)])
    }

    @Test func floatsThroughBlockedLayouts() throws {
        var random = SeededGenerator(state: 7)
        var program = KernelProgram()
        let input = program.addInput("x", TensorType(.float32, [1, 3, 12, 12]))
        let first = program.addConstant(random.tensor(.float32, [20, 3, 3, 3]))
        let second = program.addConstant(random.tensor(.float32, [20, 20, 3, 3]))
        let dense = program.addConstant(random.tensor(.float32, [5, 20 * 6 * 6]))
        let shift = program.addConstant(random.tensor(.float32, [20]))
        let relu = convolution(.float32, [.activation(.init(.relu))], scale: 1)
        var x = try program.add(relu, [input, first], node: "a")[0]
        // Source and residual are one buffer: the sum must not be written over it.
        let sum = convolution(.float32, [.sum(scale: 1)], scale: 0.1)
        x = try program.add(sum, [x, second, x], node: "b")[0]
        x = try program.add(ScaleShiftKernel(), [x, shift, shift], node: "c")[0]
        let pooling = PoolingKernel(kind: .max, window: [2, 2], strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0])
        x = try program.add(pooling, [x], node: "d")[0]
        let flat = try program.add(ReshapeKernel([1, 720]), [x], node: "e")[0]
        let direct = try program.add(InnerProductKernel(), [x, dense], node: "f")[0]
        let flattened = try program.add(InnerProductKernel(), [flat, dense], node: "g")[0]
        let both = try program.add(BinaryKernel(.add), [direct, flattened], node: "h")[0]
        let result = try program.add(SoftmaxKernel(axis: -1), [both], node: "i")[0]
        program.outputs = [.init(name: "y", buffer: result), .init(name: "x", buffer: input)]
        try expectAgreement(program, [random.tensor(.float32, [1, 3, 12, 12])], tolerance: 1e-4)
    }

    @Test(.enabled(if: InstructionSet.current.hasVNNI, "int8 sums saturate in pairs"))
    func rangesAtRunTimeAndTypesThatOneDNNDoesNotKnow() throws {
        var random = SeededGenerator(state: 3)
        var program = KernelProgram()
        let input = program.addInput("x", TensorType(.float32, [2, 4, 3, 3]))
        let labels = program.addInput("labels", TensorType(.int64, [2, 1]))
        let weights = program.addConstant(random.tensor(.int8, [4, 4, 1, 1]))
        let codes = try program.add(RunTimeQuantizeKernel(outputType: .uint8), [input], node: "q")
        let sums = try program.add(
            ConvolutionKernel(
                strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0],
                stage: OutputStage(outputType: .int32)), [codes[0], weights], node: "c")
        let ranged = try program.add(
            RunTimeAccumulatorKernel(
                weightMagnitude: 1, weightCodesPerUnit: 127.5, sourceType: .uint8, activation: ActivationFunction(.relu)
            ),
            [sums[0], codes[1]], node: "a")
        let results = try program.add(RunTimeRequantizeKernel(outputType: .int8), ranged, node: "r")
        let real = try program.add(RunTimeDequantizeKernel(), results, node: "d")
        let flat = try program.add(ReshapeKernel([2]), [labels], node: "l")
        program.outputs = (real + flat).map { .init(name: "y", buffer: $0) }
        try expectAgreement(
            program, [random.tensor(.float32, [2, 4, 3, 3]), Tensor([5, 6] as [Int64], shape: [2, 1])])
    }

    /// A residual block without a single reorder or copy between its steps.
    @Test func layoutsAreCarriedAndSumsAreInPlace() throws {
        var random = SeededGenerator(state: 5)
        var program = KernelProgram()
        let weights = program.addConstant(random.tensor(.int8, [64, 64, 3, 3]))
        let input = program.addInput("x", TensorType(.float32, [1, 64, 8, 8]))
        let codes = try program.add(QuantizeKernel(factor: 100, outputType: .uint8), [input], node: "quantize")[0]
        let branch = try program.add(convolution(.int8), [codes, weights], node: "branch")[0]
        let body = try program.add(convolution(.uint8), [codes, weights], node: "body")[0]
        let sum = try program.add(
            convolution(.uint8, [.sum(scale: 0.5), .activation(.init(.relu))]), [body, weights, branch], node: "sum")[0]
        let pooling = PoolingKernel(
            kind: .averageExcludingPadding, window: [8, 8], strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0])
        let pooled = try program.add(pooling, [sum], node: "pool")[0]
        let flat = try program.add(ReshapeKernel([1, 64]), [pooled], node: "flatten")[0]
        let real = try program.add(DequantizeKernel(factor: 0.1), [flat], node: "dequantize")[0]
        program.outputs = [.init(name: "y", buffer: real)]
        let timings = try OneDNNExecutor(program, threads: 1).profile([random.tensor(.float32, [1, 64, 8, 8])])
        #expect(timings.map(\.node) == program.steps.map(\.node))
        #expect(timings.map(\.implementations.count) == [1, 1, 1, 1, 1, 0, 1])
    }

    @Test func refusesOtherInputsAndNamesThem() throws {
        var program = KernelProgram()
        let input = program.addInput("data", TensorType(.float32, [1, 2]))
        program.outputs = [.init(name: "y", buffer: input)]
        let executor = try OneDNNExecutor(program, threads: 1)
        #expect(throws: ModelError("is int8 1×2, but float32 1×2 is needed", at: "input 'data'")) {
            try executor.run([Tensor([1, 2] as [Int8], shape: [1, 2])])
        }
    }
}
