import Foundation
import GraphIR
import OrderedCollections
import ONNXFormat
import TensorCore

/// How ONNX spells an operator, or why it has none of its own.
public enum ONNXForm: Sendable {
    case mapped(ONNXMapping)
    case unsupported(because: String)
}

/// An operator's two ways between the graph and ONNX.
public struct ONNXMapping: Sendable {
    /// The ONNX operators that are read as this one.
    public var types: [String]
    /// The first opset that it can be written in.
    public var since = 7
    /// Emits the ONNX nodes of a node.
    public var write: @Sendable (NodeReader, inout ONNXWriting) throws -> Void
    /// Adds the nodes that an ONNX node means.
    public var read: @Sendable (inout ONNXReading) throws -> Void

    public init(
        _ types: String..., write: @escaping @Sendable (NodeReader, inout ONNXWriting) throws -> Void,
        read: @escaping @Sendable (inout ONNXReading) throws -> Void
    ) {
        self.init(types: types, write: write, read: read)
    }

    public init(
        types: [String], write: @escaping @Sendable (NodeReader, inout ONNXWriting) throws -> Void,
        read: @escaping @Sendable (inout ONNXReading) throws -> Void
    ) {
        self.types = types
        self.write = write
        self.read = read
    }

    /// For an operator that another one reads: ONNX has no operator of its own for it.
    public init(write: @escaping @Sendable (NodeReader, inout ONNXWriting) throws -> Void) {
        self.init(write: write, read: { _ in })
    }

    /// The same, written from this opset on.
    public func since(_ opset: Int) -> ONNXMapping {
        var copy = self
        copy.since = opset
        return copy
    }
}

/// The ONNX nodes and constants that a graph becomes, while they are being emitted.
public struct ONNXWriting {
    /// The version of the default domain that is written.
    public let opset: Int
    /// What was written so far.
    public private(set) var nodes: [ONNXNode] = []
    /// Constants that it needs.
    public private(set) var initializers: [ONNXTensor] = []
    private var initializerNames = Set<String>()

    /// Nothing yet.
    public init(opset: Int) { self.opset = opset }

    /// The ONNX name of an input of a node.
    public func name(_ node: NodeReader, _ input: Int) throws -> String {
        let name = try node.input(input).name
        return computedNames[name] ?? name
    }

    /// The ONNX name of an output of a node.
    public func output(_ node: NodeReader, _ index: Int = 0) -> String {
        let name = node.graph[node.node.outputs[index]].name
        return computedNames[name] ?? name
    }

    /// The names of float32 values that stand for inputs and outputs of other floating-point types.
    private var computedNames: [String: String] = [:]

    /// Everything between inputs and outputs is computed in float32: names the value that stands for one of another type.
    public mutating func computeInFloat32(_ value: Value) {
        guard let type = value.type?.dataType, type != type.computed else { return }
        computedNames[value.name] = value.name + "_float32"
    }

    /// Emits the conversion of an input from its type, or of an output to it, where they have another.
    public mutating func emitConversion(of value: Value, isInput: Bool) {
        guard let computed = computedNames[value.name], let type = value.type?.dataType else { return }
        let (from, to) = isInput ? (value.name, computed) : (computed, value.name)
        let code = Int(ONNXElementType(isInput ? .float32 : type).rawValue)
        nodes.append(
            ONNXNode("Cast", name: to + "_cast", inputs: [from], outputs: [to], attributes: [ONNXAttribute("to", .int(code))]))
    }

    /// Emits an ONNX node; by default it has the node's name and computes its first output.
    public mutating func emit(
        _ type: String, _ node: NodeReader, inputs: [String], attributes: [ONNXAttribute] = [], suffix: String = "",
        outputs: [String]? = nil
    ) {
        nodes.append(
            ONNXNode(
                type, name: node.node.name + suffix, inputs: inputs, outputs: outputs ?? [output(node)],
                attributes: attributes, docString: ONNXOrigins.text(for: node.node)))
    }

    /// Adds a constant, once for each name; returns its name.
    @discardableResult
    public mutating func initializer(_ name: String, _ tensor: Tensor) -> String {
        if initializerNames.insert(name).inserted { initializers.append(ONNXTensor(name: name, tensor)) }
        return name
    }
}

/// One ONNX node on its way into a graph.
public struct ONNXReading {
    /// What is read.
    public let node: ONNXNode
    /// The version of its domain's operators.
    public let opset: Int
    /// What was read so far.
    public private(set) var graph: Graph
    /// In the order of the node; nil for one that is left out.
    public let inputs: [ValueID?]

    /// A reader of one node.
    public init(_ node: ONNXNode, opset: Int, inputs: [ValueID?], graph: Graph) {
        self.node = node
        self.opset = opset
        self.inputs = inputs
        self.graph = graph
    }

    /// The node's name, which the importer made unique.
    public var name: String { node.name }

    /// Whether the input is given.
    public func hasInput(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

    /// The stored elements of an input, also behind a Dequantize; nil if it is computed.
    public func constant(_ index: Int) -> Tensor? {
        guard hasInput(index), let id = inputs[index] else { return nil }
        return graph[id].tensor
    }

    /// The shape of a stored input, also of one that is stored as codes.
    public func storedShape(_ index: Int) -> Shape? {
        guard hasInput(index), let id = inputs[index] else { return nil }
        if let tensor = graph[id].tensor { return tensor.shape }
        guard let producer = graph.producer(of: id), producer.op == "Dequantize", let codes = producer.inputs[0] else {
            return nil
        }
        return graph[codes].tensor?.shape
    }

    /// The shape of an input, as far as the file says it.
    public func shape(_ index: Int) -> Shape? {
        guard hasInput(index), let id = inputs[index] else { return nil }
        return graph[id].type?.shape
    }

    /// The whole number of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func integer(_ name: String) throws -> Int? {
        guard let value = node.attribute(name) else { return nil }
        guard case .int(let number) = value else { throw wrongKind(name, "an integer") }
        return number
    }

    /// The whole numbers of that name; nil if there are none.
    /// - Throws: `ModelError` if it is something else.
    public func integers(_ name: String) throws -> [Int]? {
        guard let value = node.attribute(name) else { return nil }
        guard case .ints(let numbers) = value else { throw wrongKind(name, "a list of integers") }
        return numbers
    }

    /// The number of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func number(_ name: String) throws -> Float? {
        guard let value = node.attribute(name) else { return nil }
        guard case .float(let number) = value else { throw wrongKind(name, "a number") }
        return number
    }

    /// The text of that name; nil if there is none.
    public func text(_ name: String) -> String? { node.attribute(name)?.text }

    private func wrongKind(_ name: String, _ expected: String) -> ModelError {
        ModelError("attribute \(name) is not \(expected)")
    }

    // MARK: Building

    /// The node that computes the ONNX node's outputs; whoever reads adds it to the graph.
    public private(set) var draft: NodeDraft?

    /// Says which node the ONNX node means.
    public mutating func define(_ op: String, _ attributes: Attributes = [:], inputs: [ValueID?]? = nil) {
        draft = NodeDraft(
            name: name, op: op, attributes: attributes, inputs: inputs ?? self.inputs,
            origins: ONNXOrigins.read(node.docString), outputNames: node.outputs)
    }

    /// Nodes that were added before the one that computes the outputs, in order.
    public private(set) var added: [NodeID] = []

    /// Adds a node that the meaning of the ONNX node starts with; returns what it computes. Its name is the ONNX node's
    /// with `suffix`.
    public mutating func add(
        _ op: String, _ attributes: Attributes = [:], inputs: [ValueID?], suffix: String
    ) -> ValueID {
        let id = graph.add(
            NodeDraft(
                name: name + suffix, op: op, attributes: attributes, inputs: inputs,
                origins: ONNXOrigins.read(node.docString) ?? [name]))
        added.append(id)
        return graph[id].outputs[0]
    }

    /// Takes back what was added, because the ONNX node cannot be read after all.
    public mutating func discardAdded() {
        graph.removeUnused(added.reversed())
        added = []
    }

    /// A parameter of that ending behind the name of the node.
    public mutating func addParameter(_ suffix: String, _ tensor: Tensor) -> ValueID {
        graph.addParameter(name + suffix, tensor)
    }

    /// The element type of an input, as far as it is known.
    public func elementType(_ index: Int) -> DataType? {
        guard hasInput(index), let id = inputs[index] else { return nil }
        return graph[id].type?.dataType
    }

    /// Says on which grid the codes of an input lie, if it is stored or an input of the model; false if the input is
    /// neither, and no codes on such a grid.
    public mutating func setGrid(_ grid: QuantizationGrid, _ dataType: DataType, ofInput index: Int) -> Bool {
        guard hasInput(index), let id = inputs[index] else { return false }
        let value = graph[id]
        if let tensor = value.tensor {
            graph.setTensor(tensor, of: id, quantization: .known(grid))
            return true
        }
        if value.producer == nil, value.type?.dataType == dataType, grid.axis == nil {
            graph.setType(ValueType(dataType, value.type?.shape, quantization: .known(grid)), of: id)
            return true
        }
        guard value.type?.dataType == dataType, let known = value.type?.quantization?.grid else { return false }
        return known.zeroPoint == grid.zeroPoint && known.steps.count == grid.steps.count
            && zip(known.steps, grid.steps).allSatisfy { abs($0 - $1) <= 1e-6 * $1 }
    }
}

/// What a node stands for in the model that it came from, kept in the node's doc_string: stages are aligned by it.
enum ONNXOrigins {
    private static let prefix = "stands for "
    private static let separator = " + "

    static func text(for node: Node) -> String {
        node.origins == [node.name] || node.origins.isEmpty ? "" : prefix + node.origins.joined(separator: separator)
    }

    /// Nil where the text does not say.
    static func read(_ text: String) -> [String]? {
        guard text.hasPrefix(prefix) else { return nil }
        return String(text.dropFirst(prefix.count)).components(separatedBy: separator)
    }
}
