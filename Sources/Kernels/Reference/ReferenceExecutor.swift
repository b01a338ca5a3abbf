import TensorCore

/// Runs a program with the kernels' own plain loops, one step after the other: the oracle of the tests.
public struct ReferenceExecutor: Executor {
    public static let name = "reference"
    private let program: KernelProgram
    /// For each step, the buffers that nobody needs after it.
    private let lastUses: [[BufferID]]

    public init(_ program: KernelProgram) {
        self.program = program
        let outputs = Set(program.outputs.map(\.buffer))
        var seen = outputs
        var lastUses = [[BufferID]](repeating: [], count: program.steps.count)
        for (index, step) in program.steps.enumerated().reversed() {
            lastUses[index] = Set(step.operands + step.results).filter { seen.insert($0).inserted }
        }
        self.lastUses = lastUses
    }

    public func run(
        _ inputs: [Tensor], observing observed: Set<BufferID>, _ observe: (BufferID, Tensor) throws -> Void
    ) throws -> [Tensor] {
        try program.check(inputs)
        var tensors = program.constants
        for (port, tensor) in zip(program.inputs, inputs) {
            tensors[port.buffer] = tensor
            if observed.contains(port.buffer) { try observe(port.buffer, tensor) }
        }
        try program.observeConstants(observed, observe)
        for (index, step) in program.steps.enumerated() {
            let operands = step.operands.compactMap { tensors[$0] }
            let results = try locating("node '\(step.node)'") { try step.kernel.evaluate(operands) }
            for (buffer, tensor) in zip(step.results, results) {
                tensors[buffer] = tensor
                if observed.contains(buffer) { try observe(buffer, tensor) }
            }
            for buffer in lastUses[index] { tensors[buffer] = nil }
        }
        return program.outputs.compactMap { tensors[$0.buffer] }
    }
}
