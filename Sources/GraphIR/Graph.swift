import OrderedCollections
import TensorCore

/// A model: values and the nodes that compute them. A value type; editing a copy leaves the original alone.
///
/// Passes edit through `GraphPatch`; importers build with `addInput`, `addParameter` and `add`.
public struct Graph: Sendable {
    /// What the model is called; the name of its file without folder and ending.
    public var name: String
    /// Where the model came from and what its file says of itself.
    public var metadata: OrderedDictionary<String, String> = [:]
    /// What has to be given, in order; labels to train with are among them.
    public private(set) var inputs: [ValueID] = []
    /// What the model is for, in order.
    public internal(set) var outputs: [ValueID] = []

    /// Slots of removed nodes are nil, so that identifiers stay.
    private var nodeSlots = PagedArray<Node?>()
    fileprivate var valueSlots = PagedArray<Value?>()

    /// An empty graph.
    public init(name: String = "") { self.name = name }

    // MARK: Reading

    /// The nodes in the order in which they were added; see `topologicalOrder` for the order of computation.
    public var nodes: some Sequence<Node> { nodeSlots.lazy.compactMap { $0 } }
    /// All values: inputs, parameters, and what nodes compute.
    public var values: some Sequence<Value> { valueSlots.lazy.compactMap { $0 } }

    // No file gives identifiers: they come from this graph, and a pass that keeps one of a removed node is wrong.
    /// The node of an identifier that this graph gave.
    public subscript(id: NodeID) -> Node {
        guard let node = nodeSlots[id.index] else { preconditionFailure("node \(id.index) was removed") }
        return node
    }

    /// The value of an identifier that this graph gave.
    public subscript(id: ValueID) -> Value {
        guard let value = valueSlots[id.index] else { preconditionFailure("value \(id.index) was removed") }
        return value
    }

    /// Whether the node is still there.
    public func contains(_ id: NodeID) -> Bool { nodeSlots.indices.contains(id.index) && nodeSlots[id.index] != nil }
    /// Whether the value is still there.
    public func contains(_ id: ValueID) -> Bool { valueSlots.indices.contains(id.index) && valueSlots[id.index] != nil }

    /// How many identifiers of values have been given out.
    var valueLimit: Int { valueSlots.count }

    /// The node that computes a value; nil for inputs and parameters.
    public func producer(of value: ValueID) -> Node? {
        self[value].producer.map { self[$0] }
    }

    /// The nodes that use any output of `node`, each once, in the order of their identifiers.
    public func consumers(of node: Node) -> [Node] {
        Set(node.outputs.flatMap { self[$0].uses.map(\.node) }).sorted().map { self[$0] }
    }

    /// The values whose elements are in the file.
    public var parameters: some Sequence<Value> { values.lazy.filter { $0.tensor != nil } }

    /// The node of that name, if there is one.
    public func node(named name: String) -> Node? { nodes.first { $0.name == name } }
    /// The value of that name, if there is one.
    public func value(named name: String) -> Value? { values.first { $0.name == name } }

    /// The nodes that the outputs need, each after those that it uses: depth first from the outputs, inputs in order.
    /// This is the order in which nnvm lists a symbol (3rdparty/tvm/nnvm/include/nnvm/graph.h, DFSVisit).
    public func topologicalOrder() -> [NodeID] {
        traverse().compactMap { if case .node(let id) = $0 { id } else { nil } }
    }

    /// A node, or an input or parameter, in a traversal.
    public enum Visit: Hashable, Sendable {
        case node(NodeID)
        case variable(ValueID)
    }

    /// Everything that the outputs need, in the order of `topologicalOrder`, inputs and parameters included.
    public func traverse() -> [Visit] { traverse(from: outputs) }

    /// Everything that `roots` need, and they themselves.
    func traverse(from roots: [ValueID]) -> [Visit] {
        var order: [Visit] = []
        var seen = Set<Visit>()
        var stack: [(visit: Visit, next: Int)] = []
        func enter(_ value: ValueID) {
            let visit: Visit = self[value].producer.map { .node($0) } ?? .variable(value)
            if seen.insert(visit).inserted { stack.append((visit, 0)) }
        }
        for root in roots {
            enter(root)
            while let (visit, next) = stack.last {
                guard case .node(let id) = visit, next < self[id].inputs.count else {
                    order.append(visit)
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                if let input = self[id].inputs[next] { enter(input) }
            }
        }
        return order
    }

    // MARK: Building

    /// Adds an input behind those that are there.
    @discardableResult
    public mutating func addInput(_ name: String, type: ValueType? = nil, attributes: Attributes = [:]) -> ValueID {
        let id = addValue(name, .input, type: type, attributes: attributes)
        inputs.append(id)
        return id
    }

    /// Adds a value whose elements are known.
    @discardableResult
    public mutating func addParameter(
        _ name: String, _ tensor: Tensor, quantization: Quantization? = nil, attributes: Attributes = [:]
    ) -> ValueID {
        let type = ValueType(tensor.dataType, tensor.shape, quantization: quantization)
        return addValue(name, .parameter(tensor), type: type, attributes: attributes)
    }

    /// Adds a node and the values that it computes.
    @discardableResult
    public mutating func add(_ draft: NodeDraft) -> NodeID {
        let id = NodeID(index: nodeSlots.count)
        let outputs = draft.outputNames.enumerated().map { index, name in
            addValue(name, .result(node: id, index: index), type: nil, attributes: [:])
        }
        nodeSlots.append(
            Node(
                id: id, name: draft.name, op: draft.op, attributes: draft.attributes, inputs: draft.inputs,
                outputs: outputs, bodies: draft.bodies, origins: draft.origins))
        for (index, input) in draft.inputs.enumerated() { addUse(of: input, by: id, at: index) }
        return id
    }

    /// Says what the model is for.
    public mutating func setOutputs(_ outputs: [ValueID]) { self.outputs = outputs }

    // MARK: Editing

    /// Says what type a value has; nil for one that is not known.
    public mutating func setType(_ type: ValueType?, of value: ValueID) { valueSlots[value.index]?.type = type }

    /// Changes a node's name, attributes, bodies or origins.
    public mutating func update(_ id: NodeID, _ change: (inout Node) -> Void) {
        guard var node = nodeSlots[id.index] else { return }
        let (inputs, outputs) = (node.inputs, node.outputs)
        change(&node)
        (node.inputs, node.outputs) = (inputs, outputs)
        nodeSlots[id.index] = node
    }

    /// Renames a value, or gives a variable other attributes.
    public mutating func update(_ id: ValueID, name: String? = nil, attributes: Attributes? = nil) {
        if let name { valueSlots[id.index]?.name = name }
        if let attributes { valueSlots[id.index]?.attributes = attributes }
    }

    /// Gives a parameter other elements.
    public mutating func setTensor(_ tensor: Tensor, of value: ValueID, quantization: Quantization? = nil) {
        valueSlots[value.index]?.source = .parameter(tensor)
        valueSlots[value.index]?.type = ValueType(tensor.dataType, tensor.shape, quantization: quantization)
    }

    mutating func setInput(_ index: Int, of node: NodeID, to value: ValueID?) {
        if let old = self[node].inputs[index] {
            valueSlots[old.index]?.uses.removeAll { $0.node == node && $0.index == index }
        }
        nodeSlots[node.index]?.inputs[index] = value
        addUse(of: value, by: node, at: index)
    }

    /// Removes a node, and the parameters that it alone used.
    mutating func remove(_ id: NodeID) {
        guard let node = nodeSlots[id.index] else { return }
        takeOut(node)
        for case let input? in node.inputs where contains(input) {
            if self[input].tensor != nil, self[input].uses.isEmpty, !outputs.contains(input) {
                valueSlots[input.index] = nil
            }
        }
    }

    /// Removes a node and what it computes.
    private mutating func takeOut(_ node: Node) {
        for case let input? in node.inputs { valueSlots[input.index]?.uses.removeAll { $0.node == node.id } }
        for output in node.outputs { valueSlots[output.index] = nil }
        nodeSlots[node.id.index] = nil
    }

    /// Removes inputs and parameters that nothing uses.
    public mutating func removeUnusedVariables(_ variables: [ValueID]) {
        for id in variables
        where contains(id) && self[id].uses.isEmpty && self[id].producer == nil && !outputs.contains(id) {
            inputs.removeAll { $0 == id }
            valueSlots[id.index] = nil
        }
    }

    /// Puts what a node computes, now known, in its place: its outputs become parameters.
    /// - Parameters:
    ///   - id: the node; it is removed.
    ///   - results: one for each output.
    public mutating func fold(_ id: NodeID, into results: [Tensor]) {
        guard let node = nodeSlots[id.index], node.outputs.count == results.count else { return }
        for case let input? in node.inputs { valueSlots[input.index]?.uses.removeAll { $0.node == id } }
        for (output, tensor) in zip(node.outputs, results) { setTensor(tensor, of: output) }
        nodeSlots[id.index] = nil
    }

    /// Takes back nodes that were added by mistake; the last first. A node that something uses stays, and so do the
    /// parameters, which whoever builds the graph may still use.
    public mutating func removeUnused(_ nodes: [NodeID]) {
        for id in nodes where contains(id) && self[id].outputs.allSatisfy({ self[$0].uses.isEmpty }) {
            takeOut(self[id])
        }
    }

    private mutating func addUse(of value: ValueID?, by node: NodeID, at index: Int) {
        guard let value else { return }
        valueSlots[value.index]?.uses.append(Value.Use(node: node, index: index))
    }

    private mutating func addValue(
        _ name: String, _ source: Value.Source, type: ValueType?, attributes: Attributes
    ) -> ValueID {
        let id = ValueID(index: valueSlots.count)
        valueSlots.append(Value(id: id, name: name, source: source, type: type, attributes: attributes))
        return id
    }
}

extension Graph {
    /// The value of that name that was added last.
    public func lastValue(named name: String) -> ValueID? { valueSlots.last { $0?.name == name }??.id }
}
