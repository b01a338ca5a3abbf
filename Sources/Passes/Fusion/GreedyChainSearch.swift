import GraphIR

/// The chains that MXNet 1.9.1 fuses, its mistakes included (src/operator/subgraph/build_subgraph.cc).
///
/// MXNet asks a rule for every user of every node that it has taken, the last user first. A user that is refused ends
/// the chain at the node that it uses; but a user that would close a cycle through the rest of the graph is put aside
/// and not asked again, outputs of the model are no users at all, and all who used any node of the chain get the
/// result of the fused one. So in networks with pre-activation, and where a layer is an output too, the numbers change.
struct GreedyChainSearch {
    private let graph: Graph
    /// Where each node stands in MXNet's order.
    private let position: [NodeID: Int]
    private var taken = Set<NodeID>()

    init(_ graph: Graph) {
        self.graph = graph
        position = Dictionary(uniqueKeysWithValues: graph.topologicalOrder().enumerated().map { ($1, $0) })
    }

    mutating func chain(from first: Node, _ rule: some FusionRule) -> FusionChain {
        var excluded = Set<NodeID>()
        var attempt = Attempt(first, rule)
        while true {
            attempt = Attempt(first, rule)
            label(&attempt, excluded)
            guard let offender = nodeClosingCycle(attempt.labelled) else { break }
            excluded.insert(offender)
        }
        taken.formUnion(attempt.matched.map(\.id))
        return chain(of: attempt.matched)
    }

    private struct Attempt<Rule: FusionRule> {
        var matched: [Node]
        var labelled: [Node]
        var rule: Rule
        var isOpen: Bool

        init(_ first: Node, _ rule: Rule) {
            (matched, labelled, self.rule) = ([first], [first], rule)
            isOpen = !rule.isComplete
        }

        mutating func takes(_ user: Node, of node: Node) -> Bool {
            guard let last = matched.last, last.id == node.id else {
                // A branch inside of the chain: what lies behind it is dropped.
                if let index = matched.firstIndex(where: { $0.id == node.id }) {
                    matched.removeSubrange((index + 1)...)
                }
                isOpen = false
                return false
            }
            guard isOpen, rule.accepts(user) else {
                isOpen = false
                return false
            }
            matched.append(user)
            isOpen = !rule.isComplete
            return true
        }
    }

    private func label(_ attempt: inout Attempt<some FusionRule>, _ excluded: Set<NodeID>) {
        var next = 0
        while next < attempt.labelled.count {
            let node = attempt.labelled[next]
            next += 1
            for user in users(of: node) where !taken.contains(user.id) && !excluded.contains(user.id) {
                guard !attempt.labelled.contains(where: { $0.id == user.id }) else { continue }
                if attempt.takes(user, of: node) { attempt.labelled.append(user) }
            }
        }
    }

    /// The last first, as they lie in MXNet's hash table.
    private func users(of node: Node) -> [Node] {
        graph.consumers(of: node).filter { position[$0.id] != nil }
            .sorted { (position[$0.id] ?? 0) > (position[$1.id] ?? 0) }
    }

    /// The last of the labelled nodes that a path from them through the others leads to.
    private func nodeClosingCycle(_ labelled: [Node]) -> NodeID? {
        let inside = Set(labelled.map(\.id))
        let below = Set(labelled.flatMap(users).map(\.id)).subtracting(inside)
        let offenders = labelled.filter { node in
            producers(of: node).contains { !inside.contains($0) && isReached($0, from: below, avoiding: inside) }
        }
        return offenders.map(\.id).max { (position[$0] ?? 0) < (position[$1] ?? 0) }
    }

    private func isReached(_ node: NodeID, from starts: Set<NodeID>, avoiding inside: Set<NodeID>) -> Bool {
        var seen: Set = [node]
        var stack = [node]
        while let next = stack.popLast() {
            if starts.contains(next) { return true }
            for producer in producers(of: graph[next])
            where !inside.contains(producer) && seen.insert(producer).inserted {
                stack.append(producer)
            }
        }
        return false
    }

    private func producers(of node: Node) -> [NodeID] {
        node.inputs.compactMap { $0 }.compactMap { graph[$0].producer }
    }

    /// The body ends with the node whose result is used first; everybody gets its result.
    private func chain(of matched: [Node]) -> FusionChain {
        let inside = Set(matched.map(\.id))
        let used = matched.flatMap(\.outputs).filter { value in
            graph.outputs.contains(value) || graph[value].uses.contains { !inside.contains($0.node) }
        }
        let first = used.min { firstUse(of: $0, outside: inside) < firstUse(of: $1, outside: inside) }
        let last = matched.firstIndex { node in first.map(node.outputs.contains) ?? false } ?? matched.count - 1
        return FusionChain(nodes: Array(matched[...last]), results: used, forgotten: Array(matched[(last + 1)...]))
    }

    private func firstUse(of value: ValueID, outside inside: Set<NodeID>) -> Int {
        let users = graph[value].uses.filter { !inside.contains($0.node) }.compactMap { position[$0.node] }
        let heads = graph.outputs.map { graph[$0].producer.flatMap { position[$0] } ?? 0 }
        // An output of the model is looked at when all that it and the outputs before it need has been.
        let head = graph.outputs.firstIndex(of: value).flatMap { heads[...$0].max() }
        return min(users.min() ?? Int.max, head ?? Int.max)
    }
}
