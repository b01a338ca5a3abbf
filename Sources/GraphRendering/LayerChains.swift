import GraphIR

/// Layers with what follows them: a layer, its normalization, its activation, and what makes codes of its result, as long
/// as nothing else reads in between; with what makes numbers of the codes that only it reads.
struct LayerChains {
    private(set) var plans: [BoxPlan] = []

    init(_ nodes: [NodeID], in graph: Graph) {
        let members = Set(nodes)
        let dominators = Dominators(of: graph)
        var leader: [NodeID: Int] = [:]
        // What waits for the layer that reads it: dequantized weights, and data that only one layer dequantizes.
        var waiting: [NodeID: [NodeID]] = [:]
        for id in nodes {
            let node = graph[id]
            if let reader = Self.onlyReader(of: node, in: graph), members.contains(reader),
                Operation.endsCodes(node) || !node.outputs.contains(where: { dominators.isData($0, in: graph) })
            {
                waiting[reader, default: []] += (waiting[id] ?? []) + [id]
                continue
            }
            let group = (waiting[id] ?? []) + [id]
            let data = node.inputs.compactMap { $0 }.filter { dominators.isData($0, in: graph) }
            if data.count == 1, let producer = graph[data[0]].producer, let chain = leader[producer],
                Self.onlyReader(of: graph[producer], in: graph) == id, follows(node, plans[chain], in: graph)
            {
                plans[chain].nodes += group
                leader[id] = chain
            } else {
                leader[id] = plans.count
                plans.append(BoxPlan(nodes: group))
            }
        }
    }

    private func follows(_ node: Node, _ chain: BoxPlan, in graph: Graph) -> Bool {
        let before = chain.nodes.map { Operation.category(of: graph[$0]) }
        switch Operation.category(of: node) {
        case .normalization: return before.last?.hasWeights ?? false
        case .activation: return !before.contains(.activation) && before.last != .quantizing
        case .quantizing: return !Operation.endsCodes(node) && before != [.quantizing]
        default: return false
        }
    }

    /// The only node that reads anything of another.
    private static func onlyReader(of node: Node, in graph: Graph) -> NodeID? {
        guard !node.outputs.contains(where: graph.outputs.contains) else { return nil }
        let readers = Set(node.outputs.flatMap { graph[$0].uses.map(\.node) })
        return readers.count == 1 ? readers.first : nil
    }
}
