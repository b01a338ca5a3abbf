import GraphIR
import TensorCore

/// A node that its operator cannot make sense of, and why.
public struct NodeRefusal: Sendable, Equatable {
    /// The name of the node.
    public var node: String
    /// Its operator.
    public var op: String
    /// Why it is refused.
    public var error: ModelError

    /// A node that its operator refuses.
    public init(node: String, op: String, error: ModelError) {
        self.node = node
        self.op = op
        self.error = error
    }
}

/// Finds the type of every value from the types of the inputs, node by node in the order of computation.
public struct TypeInference {
    /// Where operators are looked up.
    public let table: OperatorTable

    /// Operators are looked up in `table`.
    public init(table: OperatorTable = .standard) { self.table = table }

    /// Annotates `graph`. Element types and grids are found even where a shape is not known.
    ///
    /// Nodes of operators that the table lacks, and all that depends on them, stay without a type.
    /// - Throws: `ModelError` if an operator refuses the types of its inputs.
    public func annotate(_ graph: inout Graph, shapes: [String: Shape] = [:]) throws {
        if let refusal = try annotateWherePossible(&graph, shapes: shapes).first { throw refusal.error }
    }

    /// The same, but a node whose operator refuses stays without a type, like all that depends on it.
    /// - Returns: those nodes.
    /// - Throws: `ModelError` if `shapes` names an input that does not exist.
    @discardableResult
    public func annotateWherePossible(_ graph: inout Graph, shapes: [String: Shape] = [:]) throws -> [NodeRefusal] {
        try bindInputs(of: &graph, to: shapes)
        var refusals: [NodeRefusal] = []
        for id in graph.topologicalOrder() {
            if let refusal = try annotate(graph[id], of: &graph) { refusals.append(refusal) }
        }
        return refusals
    }

    /// Annotates nodes that were added to an annotated graph or changed in it, and of those behind them as many as get
    /// other types by that.
    /// - Throws: `ModelError` if an operator refuses the types of its inputs.
    public func annotate(_ graph: inout Graph, changed nodes: [NodeID]) throws {
        var queue = nodes
        var next = 0
        while next < queue.count {
            defer { next += 1 }
            guard graph.contains(queue[next]) else { continue }
            let node = graph[queue[next]]
            let types = node.outputs.map { graph[$0].type }
            if let refusal = try annotate(node, of: &graph) { throw refusal.error }
            if node.outputs.map({ graph[$0].type }) != types { queue += graph.consumers(of: node).map(\.id) }
        }
    }

    /// Types what a node computes, unless its inputs have no types or its operator refuses them.
    private func annotate(_ node: Node, of graph: inout Graph) throws -> NodeRefusal? {
        for output in node.outputs { graph.setType(nil, of: output) }
        guard let definition = table[node.op] else { return nil }
        guard node.inputs.allSatisfy({ $0.map { graph[$0].type != nil } ?? true }) else { return nil }
        try fillInputShapes(of: node, definition, &graph)
        do {
            let types = try inferredTypes(of: node, definition, graph)
            for (output, type) in zip(node.outputs, types) { graph.setType(type, of: output) }
            return nil
        } catch let error as ModelError {
            return NodeRefusal(node: node.name, op: node.op, error: error)
        }
    }

    private func inferredTypes(of node: Node, _ definition: any OperatorDefinition, _ graph: Graph) throws
        -> [ValueType]
    {
        let reader = NodeReader(node, in: graph)
        return try reader.locating { try definition.inferTypes(reader) }
    }

    private func fillInputShapes(of node: Node, _ definition: any OperatorDefinition, _ graph: inout Graph) throws {
        guard node.inputs.contains(where: { $0.map { graph[$0].type?.shape == nil } ?? false }) else { return }
        let reader = NodeReader(node, in: graph)
        let implied = try reader.locating { try definition.impliedInputShapes(reader) }
        for (index, shape) in implied where node.inputs.indices.contains(index) {
            guard let input = node.inputs[index], let type = graph[input].type, type.shape == nil else { continue }
            graph.setType(ValueType(type.dataType, shape, quantization: type.quantization), of: input)
        }
    }

    private func bindInputs(of graph: inout Graph, to shapes: [String: Shape]) throws {
        let names = graph.inputs.map { graph[$0].name }
        for name in shapes.keys.sorted() where !names.contains(name) {
            let nearest = nearestNames(to: name, among: names)
            throw ModelError(
                "the model has no input '\(name)'",
                advice: nearest.isEmpty
                    ? "its inputs are \(names.commaSeparated)" : "did you mean \(nearest.commaSeparated)?")
        }
        for id in graph.inputs {
            let value = graph[id]
            let shape = shapes[value.name] ?? value.type?.shape
            graph.setType(
                ValueType(value.type?.dataType ?? .float32, shape, quantization: value.type?.quantization), of: id)
        }
    }
}
