import GraphIR

/// Dominators of the data flow: `d` dominates `n` if every path from the inputs of the model to `n` leads through `d`.
///
///     idom(n) = the nearest common ancestor, in the tree of dominators, of everything that n reads
///
/// One pass in topological order suffices, since a model has no cycles (Cooper, Harvey and Kennedy, "A Simple, Fast
/// Dominance Algorithm", 2001). What depends on parameters alone, such as a dequantized weight, is no data flow.
struct Dominators {
    private let order: [Graph.Visit]
    private var position: [Graph.Visit: Int] = [:]
    /// For each position the position of the immediate dominator; `root` above several inputs; nil for constants.
    private var immediate: [Int?] = []
    private static let root = -1

    init(of graph: Graph) {
        order = graph.traverse()
        for (index, visit) in order.enumerated() {
            position[visit] = index
            switch visit {
            case .variable(let value):
                immediate.append(ParameterList.isParameter(graph[value], in: graph) ? nil : Self.root)
            case .node(let node):
                let sources = graph[node].inputs.compactMap { $0.flatMap { source(of: $0, in: graph) } }
                immediate.append(sources.dropFirst().reduce(sources.first, commonDominator))
            }
        }
    }

    /// The node or input of the model on which all data that `node` reads depends; nil if there is no such one.
    func immediateDominator(of node: NodeID) -> Graph.Visit? {
        guard let index = position[.node(node)], let dominator = immediate[index], dominator != Self.root else {
            return nil
        }
        return order[dominator]
    }

    /// True for an input of the model and for what is computed from one.
    func isData(_ value: ValueID, in graph: Graph) -> Bool { source(of: value, in: graph) != nil }

    private func source(of value: ValueID, in graph: Graph) -> Int? {
        let visit: Graph.Visit = graph[value].producer.map { .node($0) } ?? .variable(value)
        return position[visit].flatMap { immediate[$0] == nil ? nil : $0 }
    }

    private func commonDominator(_ first: Int?, _ second: Int) -> Int? {
        guard var a = first else { return second }
        var b = second
        while a != b {
            if a > b { a = immediate[a] ?? Self.root } else { b = immediate[b] ?? Self.root }
        }
        return a
    }
}
