import TensorCore

/// The invariants that every graph holds, before and after every change.
///
/// - V1: inputs and outputs of nodes and of the graph exist.
/// - V2: a value knows its producer and all of its uses, and they know it.
/// - V3: no node needs its own result.
/// - V4: names of nodes are unique and not empty.
public enum Verifier {
    /// Checks the whole graph.
    /// - Throws: `ModelError` that names the node and the invariant.
    public static func verify(_ graph: Graph) throws {
        var names = Set<String>()
        for node in graph.nodes {
            try verify(node, in: graph)
            for body in node.bodies { try locating("body of node '\(node.name)'") { try verify(body) } }
            guard !node.name.isEmpty, names.insert(node.name).inserted else {
                throw ModelError("the name is empty or taken (invariant V4)", at: "node '\(node.name)'")
            }
        }
        for value in graph.values { try verifyUses(of: value, in: graph) }
        try verifyEnds(of: graph)
        try verifyAcyclic(graph)
    }

    /// Checks the nodes of a patch and their surroundings; the cost does not depend on the size of the graph. Cycles
    /// and names are left to the check of the whole.
    public static func verify(_ graph: Graph, touched: [NodeID]) throws {
        for id in touched { try verify(graph[id], in: graph) }
        try verifyEnds(of: graph)
    }

    private static func verify(_ node: Node, in graph: Graph) throws {
        func fail(_ problem: String, _ invariant: String) -> ModelError {
            ModelError("\(problem) (invariant \(invariant))", at: "node '\(node.name)' (\(node.op))")
        }
        for (index, input) in node.inputs.enumerated() {
            guard let input else { continue }
            guard graph.contains(input) else { throw fail("input \(index) does not exist", "V1") }
            guard graph[input].uses.contains(.init(node: node.id, index: index)) else {
                throw fail("input \(index), '\(graph[input].name)', does not know of its use", "V2")
            }
        }
        for (index, output) in node.outputs.enumerated() {
            guard graph.contains(output) else { throw fail("output \(index) does not exist", "V1") }
            guard graph[output].producer == node.id, graph[output].outputIndex == index else {
                throw fail("output '\(graph[output].name)' has another producer", "V2")
            }
            try verifyUses(of: graph[output], in: graph)
        }
    }

    private static func verifyUses(of value: Value, in graph: Graph) throws {
        for use in value.uses {
            guard graph.contains(use.node) else {
                throw ModelError("is used by a node that was removed (invariant V2)", at: "value '\(value.name)'")
            }
            let node = graph[use.node]
            guard node.inputs.indices.contains(use.index), node.inputs[use.index] == value.id else {
                throw ModelError(
                    "is not input \(use.index) of node '\(node.name)' (invariant V2)", at: "value '\(value.name)'")
            }
        }
    }

    private static func verifyEnds(of graph: Graph) throws {
        for (role, values) in [("input", graph.inputs), ("output", graph.outputs)] {
            for (index, value) in values.enumerated() where !graph.contains(value) {
                throw ModelError("\(role) \(index) of the graph does not exist (invariant V1)")
            }
        }
    }

    /// Kahn's algorithm: what cannot be ordered lies on a cycle, or behind one.
    private static func verifyAcyclic(_ graph: Graph) throws {
        var missing: [NodeID: Int] = [:]
        var ready: [NodeID] = []
        for node in graph.nodes {
            let computed = node.inputs.count { $0.map { graph[$0].producer != nil } ?? false }
            missing[node.id] = computed
            if computed == 0 { ready.append(node.id) }
        }
        while let id = ready.popLast() {
            missing[id] = nil
            for output in graph[id].outputs {
                for use in graph[output].uses {
                    missing[use.node, default: 0] -= 1
                    if missing[use.node] == 0 { ready.append(use.node) }
                }
            }
        }
        if let stuck = missing.keys.min() {
            throw ModelError("needs its own result (invariant V3)", at: "node '\(graph[stuck].name)'")
        }
    }
}
