import GraphIR

/// How much of a model becomes a box of its own.
public enum DetailLevel: String, Sendable, CaseIterable {
    /// Blocks and repeated layers are folded into boxes with a count.
    case outline
    /// A box for each layer with what follows it: normalization, activation, requantization.
    case layers
    /// A box for each node, its parameters listed in it.
    case nodes
    /// A box for each node, and one for each parameter.
    case all

    /// The next that has fewer boxes.
    var coarser: DetailLevel? {
        switch self {
        case .outline: nil
        case .layers: .outline
        case .nodes: .layers
        case .all: .nodes
        }
    }

    /// More boxes than this take Graphviz longer than ten seconds, or nobody can read them.
    public static let mostBoxes = 2400

    /// What a level makes of some nodes of a graph, in the order of computation.
    func boxes(_ nodes: [NodeID], in graph: Graph) -> [BoxPlan] {
        switch self {
        case .nodes, .all: nodes.map { BoxPlan(nodes: [$0]) }
        case .layers: LayerChains(nodes, in: graph).plans
        case .outline: Outline(LayerChains(nodes, in: graph).plans, in: graph).plans
        }
    }

    /// How many boxes a level makes of a graph.
    func boxCount(_ graph: Graph) -> Int {
        let nodes = graph.topologicalOrder()
        let parameters = self == .all ? graph.values.count { ParameterList.isParameter($0, in: graph) } : 0
        return boxes(nodes, in: graph).count + parameters
    }

    /// This level, or the finest coarser one that some graphs can be drawn at, one beside the other.
    public func fitting(_ graphs: [Graph]) -> DetailLevel {
        var level = self
        while let coarser = level.coarser, graphs.reduce(0, { $0 + level.boxCount($1) }) > Self.mostBoxes {
            level = coarser
        }
        return level
    }
}

/// Nodes that one box stands for, in the order of computation.
struct BoxPlan {
    var nodes: [NodeID]
    /// What several layers are together: `Residual block`. Nil for a node, or a layer with what follows it.
    var title: String?
    /// How often it is there, one after the other.
    var count = 1
    /// How many of the nodes are the first of the repeated ones.
    var unit: ArraySlice<NodeID> { nodes.prefix(nodes.count / max(count, 1)) }
}
