import GraphIR
import Kernels
import TensorCore

/// Which of the two arithmetics a quantized graph is run with.
public enum Arithmetic: String, Sendable, CaseIterable {
    /// What the graph means.
    case exact
    /// What MXNet 1.9.1 computes, bit for bit, its mistakes included.
    case mxnet
}

/// A value of the graph, lowered: a buffer, and how its codes are read if it is quantized.
public struct LoweredValue: Sendable {
    /// What codes in a buffer stand for.
    public enum Codes: Sendable {
        /// 8-bit codes: code = value · codesPerUnit + zeroPoint.
        case grid(codesPerUnit: Float, zeroPoint: Int = 0)
        /// int32 sums of products: value = sum · unit.
        case accumulators(unit: Float)
        /// Read with a range that the run finds: a float32 [2] buffer.
        case rangeBuffer(BufferID)
    }

    /// Where the value lies.
    public var buffer: BufferID
    /// Nil for values that stand for themselves.
    public var codes: Codes?

    /// A value in a buffer.
    public init(_ buffer: BufferID, codes: Codes? = nil) {
        self.buffer = buffer
        self.codes = codes
    }
}

/// Turns a graph whose types are known into a program: each operator appends its kernels.
public struct Lowering {
    /// Which int8 arithmetic is lowered to.
    public let arithmetic: Arithmetic
    /// The steps so far.
    public private(set) var program = KernelProgram()
    private let table: OperatorTable
    private var lowered: [ValueID: LoweredValue] = [:]

    /// The program for a graph that `TypeInference` has annotated with shapes.
    /// - Throws: `ModelError` that lists every node whose operator cannot be run, or what an operator refuses.
    public static func lower(
        _ graph: Graph, arithmetic: Arithmetic = .exact, table: OperatorTable = .standard
    ) throws -> (program: KernelProgram, codes: [String: LoweredValue.Codes]) {
        let labels = table.labels(of: graph)
        let order = graph.topologicalOrder().filter { !graph[$0].outputs.allSatisfy(labels.contains) }
        let unknown = order.map { graph[$0] }.filter { table[$0.op] == nil }
        guard unknown.isEmpty else {
            throw ModelError(
                "cannot be run: " + unknown.map { "'\($0.name)' (\($0.op))" }.commaSeparated,
                advice: "the operators that can are listed by 'requant operators'")
        }
        var lowering = Lowering(arithmetic: arithmetic, table: table)
        for input in graph.inputs where !labels.contains(input) { try lowering.lowerInput(graph[input]) }
        for id in order {
            let reader = NodeReader(graph[id], in: graph)
            try reader.locating {
                try table.definition(of: reader.node.op).lower(reader, &lowering)
                try lowering.checkShapes(of: reader)
            }
        }
        for output in graph.outputs {
            var buffer = try lowering.value(output, graph).buffer
            if let type = graph[output].type?.dataType, type.isFloatingPoint {
                buffer = try lowering.converted(buffer, to: type, for: graph[output])
            }
            lowering.program.outputs.append(.init(name: graph[output].name, buffer: buffer))
        }
        let codes = lowering.nameValues(of: graph)
        return (lowering.program, codes)
    }

    private init(arithmetic: Arithmetic, table: OperatorTable) {
        self.arithmetic = arithmetic
        self.table = table
    }

    private mutating func lowerInput(_ value: Value) throws {
        guard let type = value.type, let shape = type.shape else {
            throw ModelError(
                "its shape is not known", at: "input '\(value.name)'",
                advice: "give it with --shape \(value.name)=1,3,224,224")
        }
        let codes = type.quantization?.grid.map { grid in
            LoweredValue.Codes.grid(codesPerUnit: grid.codesPerUnit(type.dataType), zeroPoint: grid.zeroPoint)
        }
        let input = program.addInput(value.name, TensorType(type.dataType, shape))
        lowered[value.id] = LoweredValue(
            try converted(input, to: type.dataType.computed, for: value), codes: codes)
    }

    /// Floats of other widths are computed in float32: inputs become that, and the outputs what the graph says.
    private mutating func converted(_ buffer: BufferID, to type: DataType, for value: Value) throws -> BufferID {
        guard program.type(of: buffer).dataType != type else { return buffer }
        return try program.add(ConvertKernel(to: type), [buffer], node: value.name)[0]
    }

    /// The parameters of a file may not be those that its attributes speak of.
    private func checkShapes(of node: NodeReader) throws {
        for output in node.node.outputs {
            guard let value = lowered[output], let expected = node.graph[output].type?.shape else { continue }
            let shape = program.type(of: value.buffer).shape
            guard shape == expected else {
                throw ModelError(
                    "its parameters give a result of \(shape), but its attributes say \(expected)",
                    advice: "check that the .params file belongs to this symbol")
            }
        }
    }

    private mutating func nameValues(of graph: Graph) -> [String: LoweredValue.Codes] {
        var codes: [String: LoweredValue.Codes] = [:]
        for (id, value) in lowered.sorted(by: { $0.key < $1.key }) where graph[id].tensor == nil {
            program.values.append(.init(name: graph[id].name, buffer: value.buffer))
            codes[graph[id].name] = value.codes
        }
        return codes
    }

    // MARK: For operators

    /// What an input of a node was lowered to. A parameter becomes a constant when it is first asked for.
    public mutating func value(_ node: NodeReader, _ input: Int) throws -> LoweredValue {
        try value(node.input(input).id, node.graph)
    }

    private mutating func value(_ id: ValueID, _ graph: Graph) throws -> LoweredValue {
        if let value = lowered[id] { return value }
        guard let tensor = graph[id].tensor else {
            throw ModelError("'\(graph[id].name)' has not been computed")
        }
        let buffer = program.addConstant(tensor.dataType.isFloatingPoint ? tensor.asFloat32() : tensor)
        let value = LoweredValue(buffer, codes: codes(of: graph[id]))
        lowered[id] = value
        return value
    }

    /// How the codes of a stored tensor with one step are read.
    private func codes(of parameter: Value) -> LoweredValue.Codes? {
        guard let type = parameter.type, type.dataType.isCode, let grid = type.quantization?.grid, grid.steps.count == 1
        else { return nil }
        guard let range = grid.range else { return .grid(codesPerUnit: 1 / grid.steps[0], zeroPoint: grid.zeroPoint) }
        return .grid(codesPerUnit: ParameterCodes.codesPerUnit(range, of: parameter.attributes, arithmetic))
    }

    /// Makes the node's output `index` what `value` says.
    public mutating func define(_ node: NodeReader, output index: Int = 0, _ value: LoweredValue) {
        lowered[node.node.outputs[index]] = value
    }

    /// A buffer with these elements.
    public mutating func addConstant(_ tensor: Tensor) -> BufferID { program.addConstant(tensor) }

    /// Appends a kernel with one result.
    public mutating func add(_ kernel: some Kernel, _ operands: [BufferID], _ node: NodeReader) throws -> BufferID {
        try program.add(kernel, operands, node: node.node.name)[0]
    }

    /// The same elements under another shape.
    public mutating func reshape(_ buffer: BufferID, to shape: Shape, _ node: NodeReader) throws -> BufferID {
        if program.type(of: buffer).shape == shape { return buffer }
        return try add(ReshapeKernel(shape), [buffer], node)
    }

    /// The same elements with the axes in another order: axis `order[i]` becomes axis i.
    public mutating func transpose(_ buffer: BufferID, _ order: [Int], _ node: NodeReader) throws -> BufferID {
        if order == Array(order.indices) { return buffer }
        let shape = program.type(of: buffer).shape, strides = shape.strides
        return try add(
            StridedViewKernel(shape: Shape(order.map { shape[$0] }), strides: order.map { strides[$0] }), [buffer], node
        )
    }

    /// Appends a kernel with several results.
    public mutating func addAll(_ kernel: some Kernel, _ operands: [BufferID], _ node: NodeReader) throws -> [BufferID]
    {
        try program.add(kernel, operands, node: node.node.name)
    }

    /// Computes a kernel whose results have shapes that depend on data, here and now.
    /// - Throws: `ModelError` unless all operands are constants.
    public mutating func evaluate(_ kernel: any DataDependentKernel, _ operands: [BufferID]) throws -> [BufferID] {
        let tensors = operands.compactMap { program.constants[$0] }
        guard tensors.count == operands.count else {
            _ = try kernel.resultTypes(operands.map { program.type(of: $0) })
            return []
        }
        return try kernel.evaluate(tensors).map { program.addConstant($0) }
    }

    /// The buffer in another type: itself if it has that type already.
    public mutating func converted(_ buffer: BufferID, to type: DataType, _ node: NodeReader) throws -> BufferID {
        self.type(of: buffer).dataType == type ? buffer : try add(ConvertKernel(to: type), [buffer], node)
    }

    /// Type and shape of a buffer.
    public func type(of buffer: BufferID) -> TensorType { program.type(of: buffer) }

    /// Type and shape of a value.
    public func type(of value: LoweredValue) -> TensorType { program.type(of: value.buffer) }

    /// Refuses codes where an operator only works on float.
    public mutating func floatValue(_ node: NodeReader, _ input: Int) throws -> BufferID {
        let value = try value(node, input)
        guard value.codes == nil else {
            throw ModelError(
                "its input '\(try node.input(input).name)' is quantized, but only float can be computed here")
        }
        return value.buffer
    }
}
