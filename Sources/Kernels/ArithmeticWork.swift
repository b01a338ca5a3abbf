import TensorCore

/// A kernel whose cost is that of its multiplications and additions.
public protocol ArithmeticWork: Kernel {
    /// Multiplications and additions, as two operations for each product, for operands and results of these types.
    func operationCount(_ operands: [TensorType], _ results: [TensorType]) -> Int
}

extension ConvolutionKernel: ArithmeticWork {
    /// Multiplications and additions.
    public func operationCount(_ operands: [TensorType], _ results: [TensorType]) -> Int {
        let weights = operands[1].shape
        return weights[0] == 0 ? 0 : 2 * results[0].shape.elementCount * (weights.elementCount / weights[0])
    }
}

extension InnerProductKernel: ArithmeticWork {
    /// Multiplications and additions.
    public func operationCount(_ operands: [TensorType], _ results: [TensorType]) -> Int {
        2 * results[0].shape.elementCount * operands[1].shape[1]
    }
}

extension MatMulKernel: ArithmeticWork {
    /// Multiplications and additions.
    public func operationCount(_ operands: [TensorType], _ results: [TensorType]) -> Int {
        let a = operands[0].shape
        return 2 * results[0].shape.elementCount * a[a.rank - (transposesA ? 2 : 1)]
    }
}

extension KernelProgram {
    /// Operations of a step; nil where memory, not arithmetic, is what it costs.
    public func operationCount(of step: Step) -> Int? {
        (step.kernel as? any ArithmeticWork)?.operationCount(
            step.operands.map { type(of: $0) }, step.results.map { type(of: $0) })
    }
}
