import TensorCore

/// Names a tensor of a program.
public struct BufferID: Hashable, Sendable {
    public let index: Int
}

/// A graph lowered for one set of input shapes: buffers, and steps in the order in which they run.
public struct KernelProgram: Sendable {
    public struct Step: Sendable {
        public var kernel: any Kernel
        public var operands: [BufferID]
        public var results: [BufferID]
        /// The node that it was lowered from.
        public var node: String
    }

    public struct Port: Sendable {
        public var name: String
        public var buffer: BufferID

        public init(name: String, buffer: BufferID) {
            self.name = name
            self.buffer = buffer
        }
    }

    public private(set) var types: [TensorType] = []
    /// Weights and everything that was computed while lowering.
    public private(set) var constants: [BufferID: Tensor] = [:]
    public private(set) var steps: [Step] = []
    public private(set) var inputs: [Port] = []
    public var outputs: [Port] = []
    /// What can be observed during a run, by the name of the graph's value.
    public var values: [Port] = []

    public init() {}

    public func type(of buffer: BufferID) -> TensorType { types[buffer.index] }

    public mutating func addInput(_ name: String, _ type: TensorType) -> BufferID {
        let buffer = addBuffer(type)
        inputs.append(Port(name: name, buffer: buffer))
        return buffer
    }

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

    private mutating func addBuffer(_ type: TensorType) -> BufferID {
        types.append(type)
        return BufferID(index: types.count - 1)
    }
}
