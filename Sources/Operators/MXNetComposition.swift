import GraphIR
import OrderedCollections
import TensorCore

/// The nodes of MXNet's that together compute a node whose operator MXNet lacks: Mish = x · tanh(softrelu(x)).
///
/// An operator appends them one after the other, and ends with what stands for its outputs. Nodes in between are
/// numbered behind the node's name; the last ones have its names.
public struct MXNetComposition {
    /// What is composed.
    public let node: NodeReader
    /// The nodes so far.
    public private(set) var patch: GraphPatch
    private var count = 0

    /// Nothing yet.
    public init(of node: NodeReader) {
        self.node = node
        patch = GraphPatch(for: node.graph, "of operators that MXNet has")
    }

    /// An input of the node.
    public func input(_ index: Int) throws -> ValueID { try node.input(index).id }

    /// Appends a node; gives its only output.
    public mutating func add(_ op: String, _ attributes: Attributes = [:], _ inputs: ValueID...) -> ValueID {
        count += 1
        let name = "\(node.node.name)_\(count)"
        return patch.add(NodeDraft(name: name, op: op, attributes: attributes, inputs: inputs, origins: []))[0]
    }

    /// Appends an operator with a number as its other operand.
    public mutating func add(_ op: String, scalar: Double, _ input: ValueID) -> ValueID {
        add(op, ["scalar": .number(scalar)], input)
    }

    /// Appends a node with several outputs.
    public mutating func add(_ op: String, _ attributes: Attributes, inputs: [ValueID], outputs: Int) -> [ValueID] {
        count += 1
        let name = "\(node.node.name)_\(count)"
        return patch.add(
            NodeDraft(
                name: name, op: op, attributes: attributes, inputs: inputs, origins: [],
                outputNames: outputs == 1 ? nil : (0..<outputs).map { "\(name)_output\($0)" }))
    }

    /// A parameter with these elements.
    public mutating func constant(_ tensor: Tensor) -> ValueID {
        count += 1
        return patch.addParameter("\(node.node.name)_constant\(count)", tensor)
    }

    /// Appends the node that gives an output of the composed one.
    public mutating func finish(
        _ op: String, _ attributes: Attributes = [:], _ inputs: ValueID..., output: Int = 0
    ) throws {
        guard node.node.outputs.indices.contains(output) else { return }
        let old = node.node.outputs[output]
        let new = patch.add(
            NodeDraft(
                name: output == 0 ? node.node.name : "\(node.node.name)_output\(output)", op: op,
                attributes: attributes, inputs: inputs, origins: node.node.origins,
                outputNames: [node.graph[old].name]))
        patch.replace(old, with: new[0])
        if output == 0 { patch.remove(node.node.id) }
    }
}

/// An operator that MXNet lacks and that others of MXNet's together compute.
public protocol ComposedForMXNet: OperatorDefinition {
    /// Appends the nodes; false where a form of the operator has none.
    /// - Throws: `ModelError` that says what of the node MXNet lacks.
    func compose(_ composition: inout MXNetComposition) throws -> Bool
}
