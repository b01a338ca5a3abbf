import TensorCore

/// Names a tensor of a program.
public struct BufferID: Hashable, Sendable {
    /// The number of the buffer.
    public let index: Int
}

/// A graph lowered for one set of input shapes: buffers, and steps in the order in which they run.
public struct KernelProgram: Sendable {
    /// One kernel, on buffers.
    public struct Step: Sendable {
        /// What is computed.
        public var kernel: any Kernel
        /// In the order of the kernel.
        public var operands: [BufferID]
        /// In the order of the kernel.
        public var results: [BufferID]
        /// The node that it was lowered from.
        public var node: String

        public init(kernel: any Kernel, operands: [BufferID], results: [BufferID], node: String) {
            self.kernel = kernel
            self.operands = operands
            self.results = results
            self.node = node
        }
    }

    /// A buffer that has a name outside.
    public struct Port: Sendable {
        public var name: String
        /// Where it lies.
        public var buffer: BufferID

        public init(name: String, buffer: BufferID) {
            self.name = name
            self.buffer = buffer
        }
    }

    /// Those of the buffers, by their numbers.
    public private(set) var types: [TensorType] = []
    /// Weights and everything that was computed while lowering.
    public private(set) var constants: [BufferID: Tensor] = [:]
    /// In the order in which they run.
    public private(set) var steps: [Step] = []
    /// What has to be given, in order.
    public private(set) var inputs: [Port] = []
    /// What a run gives, in order.
    public var outputs: [Port] = []
    /// What can be observed during a run, by the name of the graph's value.
    public var values: [Port] = []

    public init() {}

    /// Type and shape of a buffer.
    public func type(of buffer: BufferID) -> TensorType { types[buffer.index] }

    /// A buffer that has to be given.
    public mutating func addInput(_ name: String, _ type: TensorType) -> BufferID {
        let buffer = addBuffer(type)
        inputs.append(Port(name: name, buffer: buffer))
        return buffer
    }

    /// A buffer with these elements.
    public mutating func addConstant(_ tensor: Tensor) -> BufferID {
        let buffer = addBuffer(tensor.type)
        constants[buffer] = tensor
        return buffer
    }

    /// Appends a step; returns the buffers of its results.
    /// - Throws: `ModelError` if the operands do not fit the kernel; whoever lowers the node says which one it is.
    public mutating func add(_ kernel: some Kernel, _ operands: [BufferID], node: String) throws -> [BufferID] {
        let results = try kernel.resultTypes(operands.map { types[$0.index] }).map { addBuffer($0) }
        steps.append(Step(kernel: kernel, operands: operands, results: results, node: node))
        return results
    }

    /// The program with other steps that lead to the same outputs. Constants that they do not need go, and what they do
    /// not compute cannot be observed.
    public func replacing(steps: [Step]) -> KernelProgram {
        var result = self
        result.steps = steps
        let needed = Set(steps.flatMap(\.operands) + outputs.map(\.buffer))
        result.constants = constants.filter { needed.contains($0.key) }
        let known = Set(steps.flatMap(\.results) + inputs.map(\.buffer)).union(result.constants.keys)
        result.values = values.filter { known.contains($0.buffer) }
        return result
    }

    /// A buffer for the result of a step of `replacing(steps:)`.
    public mutating func addBuffer(_ type: TensorType) -> BufferID {
        types.append(type)
        return BufferID(index: types.count - 1)
    }
}
