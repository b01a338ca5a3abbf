import Kernels
import TensorCore

extension KernelProgram {
    /// Where all who use a convolution's result look at every s-th pixel only, it computes no others:
    ///
    ///     conv 3×3 → conv 1×1 + residual → conv 1×1, stride 2
    ///     conv 3×3, stride 2 → conv 1×1 + every 2nd pixel of the residual → conv 1×1
    ///
    /// Networks that halve the image in a convolution of one pixel, such as ResNet-50 v1, lose a tenth of their work by
    /// that, and no bit of their results.
    func movingStrides() -> KernelProgram {
        var motion = StrideMotion(self)
        return motion.run()
    }
}

private struct StrideMotion {
    private var program: KernelProgram
    private var steps: [KernelProgram.Step]
    /// What has to be computed before a step.
    private var preparations: [Int: KernelProgram.Step] = [:]
    /// The steps that use a buffer.
    private var users: [BufferID: [Int]] = [:]
    private let outputs: Set<BufferID>

    init(_ program: KernelProgram) {
        self.program = program
        steps = program.steps
        outputs = Set(program.outputs.map(\.buffer))
        for (index, step) in program.steps.enumerated() {
            for operand in step.operands { users[operand, default: []].append(index) }
        }
    }

    /// From the end on, so that strides move as far as they can.
    mutating func run() -> KernelProgram {
        for index in steps.indices.reversed() { moveStrides(to: index) }
        return program.replacing(
            steps: steps.indices.flatMap { (preparations[$0].map { [$0] } ?? []) + [steps[$0]] })
    }

    private mutating func moveStrides(to index: Int) {
        var step = steps[index]
        guard var kernel = step.kernel as? ConvolutionKernel, let strides = strides(over: step.results[0]) else {
            return
        }
        for (axis, stride) in strides.enumerated() {
            let (product, overflows) = kernel.strides[axis].multipliedReportingOverflow(by: stride)
            if overflows { return }
            kernel.strides[axis] = product
        }
        if kernel.stage.hasResidual {
            guard let residual = subsampled(step.operands[step.operands.count - 1], strides, for: step) else { return }
            step.operands[step.operands.count - 1] = residual.results[0]
            preparations[index] = residual
        }
        guard let type = try? kernel.resultTypes(step.operands.map { program.type(of: $0) }).first else { return }
        let old = step.results[0], result = program.addBuffer(type)
        step.kernel = kernel
        step.results = [result]
        steps[index] = step
        for user in users[old] ?? [] {
            steps[user].operands[0] = result
            if var kernel = steps[user].kernel as? ConvolutionKernel {
                kernel.strides = strides.map { _ in 1 }
                steps[user].kernel = kernel
            }
        }
    }

    /// The strides by which all users of a buffer step over it, if they are convolutions of one pixel.
    private func strides(over buffer: BufferID) -> [Int]? {
        guard !outputs.contains(buffer), let users = users[buffer] else { return nil }
        var common: [Int]?
        for user in users {
            let step = steps[user]
            guard let kernel = step.kernel as? ConvolutionKernel, step.operands[0] == buffer,
                !step.operands.dropFirst().contains(buffer),
                (kernel.padsBegin + kernel.padsEnd).allSatisfy({ $0 == 0 }),
                program.type(of: step.operands[1]).shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 }),
                common == nil || common == kernel.strides
            else { return nil }
            common = kernel.strides
        }
        return common.flatMap { strides in strides.contains { $0 > 1 } ? strides : nil }
    }

    /// Every s-th pixel: a pooling over windows of one.
    private mutating func subsampled(
        _ buffer: BufferID, _ strides: [Int], for step: KernelProgram.Step
    ) -> KernelProgram.Step? {
        let type = program.type(of: buffer), none = strides.map { _ in 0 }
        let kernel = PoolingKernel(
            kind: .max, window: strides.map { _ in 1 }, strides: strides, padsBegin: none, padsEnd: none)
        guard type.dataType == .float32 || type.dataType.isCode, let result = try? kernel.resultTypes([type]).first
        else { return nil }
        return KernelProgram.Step(
            kernel: kernel, operands: [buffer], results: [program.addBuffer(result)], node: step.node)
    }
}
