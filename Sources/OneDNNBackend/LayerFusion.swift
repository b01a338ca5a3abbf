import Kernels
import TensorCore

extension KernelProgram {
    /// The same outputs in fewer steps: what follows a float convolution or inner product becomes a part of it.
    ///
    ///     scale · (w ∗ x + b) + shift  =  (scale · w) ∗ x + (scale · b + shift)
    ///     function(w ∗ x + b), w ∗ x + b + residual: post-operations
    ///
    /// Sums are rounded in another order by the first of them; the others change nothing.
    func fusingLayers() -> KernelProgram {
        var fusion = LayerFusion(self)
        return fusion.run()
    }
}

private struct LayerFusion {
    private var program: KernelProgram
    /// Nil where a step has become a part of an earlier one.
    private var steps: [KernelProgram.Step?]
    /// The step that computes a buffer.
    private var producers: [BufferID: Int] = [:]
    private var useCounts: [BufferID: Int] = [:]

    init(_ program: KernelProgram) {
        self.program = program
        steps = program.steps
        for (index, step) in program.steps.enumerated() {
            for result in step.results { producers[result] = index }
            for operand in step.operands { useCounts[operand, default: 0] += 1 }
        }
        for output in program.outputs { useCounts[output.buffer, default: 0] += 1 }
    }

    mutating func run() -> KernelProgram {
        for (index, step) in program.steps.enumerated() {
            guard let (layer, fused) = fused(step) else { continue }
            steps[layer] = fused
            steps[index] = nil
            producers[step.results[0]] = layer
        }
        return program.replacing(steps: steps.compactMap { $0 })
    }

    /// The layer before a step and the step in one.
    private mutating func fused(_ step: KernelProgram.Step) -> (layer: Int, KernelProgram.Step)? {
        switch step.kernel {
        case let kernel as ActivationKernel:
            guard kernel.function.isPostOperation, let layer = layer(computing: step.operands[0]) else { return nil }
            return extended(layer, by: .activation(kernel.function), to: step)
        case let kernel as BinaryKernel where kernel.operation == .add:
            return fusedSum(step)
        case is ScaleShiftKernel:
            return folded(step)
        default: return nil
        }
    }

    /// The step that computes a float buffer for one user, if it is a layer.
    private func layer(computing buffer: BufferID) -> Int? {
        guard let index = producers[buffer], useCounts[buffer] == 1,
            let layer = steps[index]?.kernel as? any StagedKernel, layer.stage.outputType == .float32
        else { return nil }
        return index
    }

    private func extended(
        _ layer: Int, by operation: PostOperation, operand: BufferID? = nil, to step: KernelProgram.Step
    ) -> (layer: Int, KernelProgram.Step)? {
        guard var result = steps[layer], var kernel = result.kernel as? any StagedKernel else { return nil }
        kernel.stage.postOperations.append(operation)
        result.kernel = kernel
        result.operands += operand.map { [$0] } ?? []
        result.results = step.results
        return (layer, result)
    }

    /// A sum belongs to the later of its operands: the other one has been computed by then.
    private func fusedSum(_ step: KernelProgram.Step) -> (layer: Int, KernelProgram.Step)? {
        let operands = step.operands.sorted { producers[$0] ?? -1 < producers[$1] ?? -1 }
        guard let layer = layer(computing: operands[1]), (producers[operands[0]] ?? -1) < layer,
            operands.allSatisfy({ program.type(of: $0) == program.type(of: step.results[0]) }),
            let kernel = steps[layer]?.kernel as? any StagedKernel, !kernel.stage.hasResidual
        else { return nil }
        return extended(layer, by: .sum(scale: 1), operand: operands[0], to: step)
    }

    /// Scale and shift go into weights and bias.
    private mutating func folded(_ step: KernelProgram.Step) -> (layer: Int, KernelProgram.Step)? {
        guard let layer = layer(computing: step.operands[0]), var result = steps[layer],
            var kernel = result.kernel as? any StagedKernel, kernel.stage.postOperations.isEmpty,
            let weights = program.constants[result.operands[1]], weights.dataType == .float32,
            let scale = program.constants[step.operands[1]]?.elements(as: Float.self),
            var shift = program.constants[step.operands[2]]?.elements(as: Float.self),
            weights.shape[0] == scale.count
        else { return nil }
        if let bias = kernel.stage.bias(of: result.operands) {
            guard let bias = program.constants[bias]?.elements(as: Float.self) else { return nil }
            for index in shift.indices { shift[index] += bias[index] * scale[index] }
        }
        kernel.stage.hasBias = true
        result.kernel = kernel
        result.operands = [
            result.operands[0], program.addConstant(weights.scalingRows(by: scale)),
            program.addConstant(Tensor(shift)),
        ]
        result.results = step.results
        return (layer, result)
    }
}

/// A kernel that ends in an output stage, and whose weights have the channels of its result as their first axis.
private protocol StagedKernel: Kernel {
    var stage: OutputStage { get set }
}

extension ConvolutionKernel: StagedKernel {}
extension InnerProductKernel: StagedKernel {}

extension ActivationFunction {
    /// oneDNN's logarithm is not accurate near 1.
    fileprivate var isPostOperation: Bool { kind.oneDNN != nil && kind != .log }
}

extension Tensor {
    /// Each row of the outermost axis times its factor; float32.
    fileprivate func scalingRows(by factors: [Float]) -> Tensor {
        let length = elementCount / max(factors.count, 1)
        return withElements(as: Float.self) { source in
            Tensor(shape: shape, of: Float.self) { target in
                for (row, factor) in factors.enumerated() {
                    for index in row * length..<(row + 1) * length { target[index] = source[index] * factor }
                }
            }
        }
    }
}
