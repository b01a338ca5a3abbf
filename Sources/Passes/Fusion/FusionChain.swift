import GraphIR
import Operators

/// What a fusion takes behind its first node: asked for one node after the other.
protocol FusionRule {
    /// Whether a node is taken too. If so, the next that is asked for uses its result.
    mutating func accepts(_ node: Node) -> Bool
    /// Whether nothing more is taken.
    var isComplete: Bool { get }
}

/// Nodes that become one, each of them used only by the next.
struct FusionChain {
    private(set) var nodes: [Node]
    /// Why the chain is not longer.
    private(set) var end = ChainEnd.unused
    /// The results that the fused node's result stands for.
    private(set) var results: [ValueID]
    /// Nodes that go without leaving a trace: what MXNet fuses and then forgets.
    private(set) var forgotten: [Node] = []

    /// The longest chain that computes what its nodes compute.
    init(from first: Node, _ rule: some FusionRule, in graph: Graph) {
        var rule = rule
        nodes = [first]
        results = []
        search: while let last = nodes.last {
            guard !rule.isComplete else {
                end = .activation
                break
            }
            switch graph.soleConsumer(of: last) {
            case .failure(let reason):
                end = reason
                break search
            case .success(let next):
                guard rule.accepts(next) else {
                    end = .notFusable("\(next.op) '\(next.name)'")
                    break search
                }
                nodes.append(next)
            }
        }
        results = nodes.suffix(1).map { $0.outputs[0] }
    }

    init(nodes: [Node], results: [ValueID], forgotten: [Node]) {
        self.nodes = nodes
        self.results = results
        self.forgotten = forgotten
    }

    /// All chains that start at one of `firsts`, in their order, which is the order in which MXNet numbers them.
    static func all(
        from firsts: [Node], _ rule: (Node) -> some FusionRule, in graph: Graph, _ arithmetic: Arithmetic
    ) -> [FusionChain] {
        switch arithmetic {
        case .exact:
            var taken = Set<NodeID>()
            return firsts.map { first in
                var chain = FusionChain(from: first, rule(first), in: graph)
                // The sum of two layers belongs to the first.
                chain.cut(before: taken)
                taken.formUnion(chain.nodes.map(\.id))
                return chain
            }
        case .mxnet:
            var search = GreedyChainSearch(graph)
            return firsts.map { search.chain(from: $0, rule($0)) }
        }
    }

    private mutating func cut(before taken: Set<NodeID>) {
        guard let index = nodes.firstIndex(where: { taken.contains($0.id) }) else { return }
        end = .taken(nodes[index].name)
        nodes.removeSubrange(index...)
        results = nodes.suffix(1).map { $0.outputs[0] }
    }
}

extension Graph {
    /// The node that alone uses a node's result, or the reason why a chain ends here.
    func soleConsumer(of node: Node) -> Result<Node, ChainEnd> {
        let result = node.outputs[0]
        if outputs.contains(result) { return .failure(.isOutput) }
        if node.outputs.dropFirst().contains(where: { !self[$0].uses.isEmpty || outputs.contains($0) }) {
            return .failure(.sideOutputUsed)
        }
        let uses = self[result].uses
        guard uses.count == 1 else { return .failure(uses.isEmpty ? .unused : .branches(uses.count)) }
        return .success(self[uses[0].node])
    }
}

/// Why nothing more can be fused behind a node.
enum ChainEnd: Error, CustomStringConvertible {
    case isOutput, unused, sideOutputUsed, activation
    case branches(Int)
    case notFusable(String)
    case taken(String)

    var description: String {
        switch self {
        case .isOutput: "its result is an output of the model"
        case .unused: "nothing uses its result"
        case .sideOutputUsed: "its second output is used"
        case .activation: "an activation is the last that a layer takes"
        case .branches(let count): "its result is used \(count) times"
        case .notFusable(let op): "\(op) follows, which cannot be fused here"
        case .taken(let name): "'\(name)' is fused into the layer of its other operand"
        }
    }
}
