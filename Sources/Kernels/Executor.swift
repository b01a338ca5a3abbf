import TensorCore

/// Runs a program. Made once for a program, then run as often as there are batches.
public protocol Executor {
    /// What it is called on the command line: `reference`, `onednn`.
    static var name: String { get }

    /// The outputs of the program for its inputs, both in the order of the program's ports.
    ///
    /// `observe` is called with each of the buffers in `observed`: with inputs and constants first, then with the others as
    /// soon as they have been computed, in the order of the steps; the tensor it gets is row-major and may be kept.
    /// - Throws: `ModelError` if an input is of another type than the program's, and what `observe` throws.
    func run(
        _ inputs: [Tensor], observing observed: Set<BufferID>, _ observe: (BufferID, Tensor) throws -> Void
    ) throws -> [Tensor]
}

extension Executor {
    /// The outputs, in order.
    public func run(_ inputs: [Tensor]) throws -> [Tensor] { try run(inputs, observing: []) { _, _ in } }
}

extension KernelProgram {
    /// Shows the constants among `observed`: what nodes compute from nothing but shapes is one.
    public func observeConstants(
        _ observed: Set<BufferID>, _ observe: (BufferID, Tensor) throws -> Void
    ) rethrows {
        for buffer in observed.sorted(by: { $0.index < $1.index }) {
            if let tensor = constants[buffer] { try observe(buffer, tensor) }
        }
    }

    /// Checks that the tensors are what the program was lowered for.
    public func check(_ tensors: [Tensor]) throws {
        guard tensors.count == inputs.count else {
            throw ModelError("\(inputs.count) inputs are needed, but \(tensors.count) were given")
        }
        for (port, tensor) in zip(inputs, tensors) where type(of: port.buffer) != tensor.type {
            throw ModelError("is \(tensor.type), but \(type(of: port.buffer)) is needed", at: "input '\(port.name)'")
        }
    }
}
