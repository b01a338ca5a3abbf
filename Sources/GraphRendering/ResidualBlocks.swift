import GraphIR
import TensorCore

/// A residual block: what lies between a fork and the sum that joins its paths again, the sum and its activation
/// included, the fork not. Found by structure, so that float, fused and quantized graphs are treated alike.
public struct ResidualBlock: Sendable {
    /// The name of the addition, which is the same in every stage of a model.
    public let name: String
    /// The node or input that both paths start from.
    public let fork: Graph.Visit
    /// In the order of computation.
    public let nodes: [NodeID]
    /// The names of the nodes that the block covers, and of those that they stand for.
    public let covered: Set<String>

    /// The residual blocks of a graph in the order of their sums. Blocks may nest.
    ///
    /// A block needs a layer with weights on one of its paths; otherwise the gates of a recurrent cell would count.
    public static func find(in graph: Graph) -> [ResidualBlock] {
        let dominators = Dominators(of: graph)
        let order = graph.topologicalOrder()
        let position = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        return order.compactMap { id in
            guard let sum = sumName(of: graph[id]), let fork = dominators.immediateDominator(of: id),
                graph[id].inputs.count(where: { $0.map { dominators.isData($0, in: graph) } ?? false }) > 1
            else { return nil }
            guard let members = nodes(above: id, upTo: fork, in: graph), members.contains(where: { Operation.category(of: graph[$0]).hasWeights }) else { return nil }
            let nodes = members.union(tail(after: id, in: graph)).sorted { position[$0] ?? 0 < position[$1] ?? 0 }
            let covered = Set(nodes.flatMap { [graph[$0].name] + graph[$0].origins })
            return ResidualBlock(name: sum, fork: fork, nodes: nodes, covered: covered)
        }
    }

    /// The smallest block that is called `name` or holds a node of that name, the nodes inside fused ones included;
    /// otherwise the only one with `name` in its name, or in that of a node that it holds.
    /// - Throws: `ModelError` with the nearest names if there is none.
    public static func find(_ name: String, in graph: Graph) throws -> ResidualBlock {
        let blocks = find(in: graph)
        if let block = blocks.first(where: { $0.name == name }) { return block }
        if let block = blocks.filter({ $0.covered.contains(name) }).min(by: { $0.nodes.count < $1.nodes.count }) {
            return block
        }
        guard !blocks.isEmpty else {
            throw ModelError("the model has no residual block", advice: "draw the whole model without --block")
        }
        if graph.nodes.contains(where: { $0.name == name || $0.origins.contains(name) }) {
            throw ModelError(
                "node '\(name)' lies in no residual block",
                advice: "the blocks are \(blocks.map(\.name).joined(separator: ", "))")
        }
        if let block = only(blocks.filter { $0.name.contains(name) })
            ?? only(blocks.filter { $0.covered.contains { $0.contains(name) } })
        {
            return block
        }
        let near = nearestNames(to: name, among: blocks.map(\.name) + blocks.flatMap(\.covered).sorted())
        throw ModelError(
            "no residual block holds a node named '\(name)'",
            advice: near.isEmpty
                ? "the blocks are \(blocks.map(\.name).joined(separator: ", "))"
                : "did you mean \(near.joined(separator: " or "))?")
    }

    private static func only(_ blocks: [ResidualBlock]) -> ResidualBlock? { blocks.count == 1 ? blocks[0] : nil }

    /// The block of another stage of the same model that covers the most of the same nodes.
    public func counterpart(in graph: Graph) -> ResidualBlock? {
        let blocks = Self.find(in: graph)
        return blocks.first { $0.name == name }
            ?? blocks.map { ($0, $0.covered.intersection(covered).count) }.filter { $0.1 > 0 }.max { $0.1 < $1.1 }?.0
    }

    /// The addition's name: what the node stands for, or that of the sum inside a fused node; nil if nothing is added.
    private static func sumName(of node: Node) -> String? {
        if Operation.category(of: node) == .sum { return node.origin }
        return node.bodies.first?.nodes.first { Operation.category(of: $0) == .sum }?.name
    }

    /// What spans more nodes is no block but a network; it also bounds the work on blocks that nest.
    private static let largestBlock = 500

    /// The node and everything that it needs below the fork, if it is not too much. The fork dominates it, so the walk
    /// cannot leave the block.
    private static func nodes(above sum: NodeID, upTo fork: Graph.Visit, in graph: Graph) -> Set<NodeID>? {
        var members: Set<NodeID> = [sum]
        var pending = [sum]
        while let id = pending.popLast() {
            guard members.count <= largestBlock else { return nil }
            for case let input? in graph[id].inputs {
                guard let producer = graph[input].producer, .node(producer) != fork else { continue }
                if members.insert(producer).inserted { pending.append(producer) }
            }
        }
        return members
    }

    /// The activation behind the sum and what turns its result into codes, as far as nothing else reads in between.
    private static func tail(after sum: NodeID, in graph: Graph) -> [NodeID] {
        var tail: [NodeID] = []
        var allowed: Set<DrawnNode.Category> = [.activation, .quantizing]
        var last = graph[sum]
        while let next = graph.consumers(of: last).first, graph.consumers(of: last).count == 1,
            !last.outputs.contains(where: graph.outputs.contains),
            allowed.contains(Operation.category(of: next)), !Operation.endsCodes(next)
        {
            if Operation.category(of: next) == .activation { allowed.remove(.activation) }
            tail.append(next.id)
            last = next
        }
        return tail
    }
}

extension DrawnNode.Category {
    var hasWeights: Bool { self == .weighted || self == .fused }
}
