import GraphIR
import Operators

/// Which nodes of a float graph cost accuracy when they are quantized, and which only follow others.
public struct QuantizableLayers: Sendable {
    /// The nodes whose int8 twins compute on a grid of their own, or for whom float data becomes codes; in the order of
    /// computation.
    public let layers: [Node]
    /// Nodes that only pass codes on, such as a pooling behind a convolution: they lose nothing.
    public let followers: [Node]
    private let graph: Graph

    /// - Throws: `ModelError` for an exclusion that matches nothing.
    public init(of graph: Graph, _ options: QuantizationOptions, table: OperatorTable = .standard) throws {
        let plan = try QuantizationPlan(graph, options, table: table)
        let quantized = graph.topologicalOrder().filter { plan.twins[$0] != nil }
        func follows(_ id: NodeID) -> Bool {
            guard case .codes? = plan.twins[id]?.result else { return false }
            return Self.producers(of: graph[id], in: graph).allSatisfy { $0.map { plan.twins[$0] != nil } ?? false }
        }
        layers = quantized.filter { !follows($0) }.map { graph[$0] }
        followers = quantized.filter(follows).map { graph[$0] }
        self.graph = graph
    }

    /// The followers that have nothing left to follow when `excluded` stay in float: as codes they would only lose.
    public func followers(of excluded: Set<NodeID>) -> [Node] {
        var float = excluded
        return followers.filter { node in
            let isAlone = Self.producers(of: node, in: graph).allSatisfy { $0.map(float.contains) ?? true }
            if isAlone { float.insert(node.id) }
            return isAlone
        }
    }

    /// The nodes that make a node's data; nil for inputs of the graph.
    private static func producers(of node: Node, in graph: Graph) -> [NodeID?] {
        node.inputs.compactMap { $0 }.filter { graph[$0].tensor == nil }.map { graph[$0].producer }
    }
}
