import GraphIR

/// Asks of each node whether it joins the paths of a block.
struct BlockFinder {
    private let graph: Graph
    private let dominators: Dominators
    private let position: [NodeID: Int]

    init(_ graph: Graph) {
        self.graph = graph
        dominators = Dominators(of: graph)
        position = Dictionary(uniqueKeysWithValues: graph.topologicalOrder().enumerated().map { ($1, $0) })
    }

    /// What spans more nodes is no block but a network; it also bounds the work on blocks that nest.
    private static let largestBlock = 500

    func block(joinedBy id: NodeID) -> Block? {
        let node = graph[id]
        let data = node.inputs.compactMap { $0 }.filter { dominators.isData($0, in: graph) }
        guard let name = joinName(of: node), data.count > 1 || node.op.hasSuffix("selfatt_valatt"),
            let fork = dominators.immediateDominator(of: id), var members = nodes(above: id, upTo: fork)
        else { return nil }
        guard members.contains(where: { category($0).hasWeights }) || isAttentionJoin(node) else { return nil }
        guard let kind = kind(of: node, members, data, fork) else { return nil }
        if kind == .fire, case .node(let squeeze) = squeezingLayer(fork) {
            members.formUnion(nodes(above: id, upTo: .node(squeeze)) ?? [])
            members.insert(squeeze)
        }
        let nodes = members.union(tail(after: id)).sorted { position[$0] ?? 0 < position[$1] ?? 0 }
        return Block(
            name: name, kind: kind, fork: fork, nodes: nodes,
            covered: Set(nodes.flatMap { [graph[$0].name] + graph[$0].origins }))
    }

    // MARK: Joins

    /// What the node stands for, or the name of the sum inside a fused node; nil if nothing is joined.
    private func joinName(of node: Node) -> String? {
        switch Operation.category(of: node) {
        case .sum, .joining: return node.origin
        default: break
        }
        if isAttentionJoin(node) { return node.origin }
        return node.bodies.first?.nodes.first { Operation.category(of: $0) == .sum }?.name
    }

    private func kind(
        of join: Node, _ members: Set<NodeID>, _ data: [ValueID], _ fork: Graph.Visit
    ) -> Block.Kind? {
        if isAttentionJoin(join) { return .attention }
        guard Operation.category(of: join) == .joining else {
            return members.contains(where: isDepthwise) ? .invertedResidual : .residual
        }
        let starts = data.map { graph[$0].producer.map(Graph.Visit.node) ?? .variable($0) }
        if starts.contains(fork) { return .dense }
        if data.count == 2, squeezingLayer(fork) != nil, members.count(where: { category($0).hasWeights }) == 2,
            data.allSatisfy(stemsFromOneLayer(below: fork))
        {
            return .fire
        }
        return .inception
    }

    /// The product behind a softmax, which has its weights from another product.
    private func isAttentionJoin(_ node: Node) -> Bool {
        if node.op.hasSuffix("selfatt_valatt") { return true }
        guard Self.products.contains(node.op), let weights = node.inputs.first ?? nil,
            let softmax = source(of: weights, past: { Self.passed.contains(Operation.category(of: $0)) }),
            softmax.op == "softmax" || softmax.op == "Softmax", let scores = softmax.inputs.first ?? nil
        else { return false }
        return source(of: scores) { !Self.products.contains($0.op) && !Operation.category(of: $0).hasWeights }
            .map { Self.products.contains($0.op) } ?? false
    }

    private static let products: Set<String> = ["batch_dot", "MatMul", "_linalg_gemm2", "_npi_matmul", "dot"]
    private static let passed: Set<DrawnNode.Category> = [.shaping, .quantizing]

    /// The first node up the first inputs that is not to be passed.
    private func source(of value: ValueID, past isPassed: (Node) -> Bool) -> Node? {
        var node = graph.producer(of: value)
        for _ in 0..<8 {
            guard let current = node, isPassed(current) else { return node }
            node = (current.inputs.first ?? nil).flatMap(graph.producer)
        }
        return nil
    }

    // MARK: Paths

    private func category(_ id: NodeID) -> DrawnNode.Category { Operation.category(of: graph[id]) }

    /// As many groups as filters, more than one.
    private func isDepthwise(_ id: NodeID) -> Bool {
        let attributes = (graph[id].bodies.first?.nodes.first { Operation.category(of: $0) == .weighted } ?? graph[id])
            .attributes
        let groups = ["num_group", "group"].lazy.compactMap { attributes.text($0).flatMap(Int.init) }.first ?? 1
        guard groups > 1 else { return false }
        return attributes.text("num_filter").flatMap(Int.init).map { $0 == groups } ?? true
    }

    /// The convolution of 1×1 at a fork, maybe behind an activation.
    private func squeezingLayer(_ fork: Graph.Visit) -> Graph.Visit? {
        guard case .node(let id) = fork else { return nil }
        var node: Node? = graph[id]
        while let current = node, [.activation, .quantizing, .normalization].contains(category(current.id)) {
            node = (current.inputs.first ?? nil).flatMap(graph.producer)
        }
        guard let layer = node, category(layer.id).hasWeights else { return nil }
        let attributes = (layer.bodies.first?.nodes.first { Operation.category(of: $0) == .weighted } ?? layer)
            .attributes
        let kernel = ["kernel", "kernel_shape"].lazy.compactMap { (try? attributes.integers($0)) ?? nil }.first
        return kernel?.allSatisfy { $0 == 1 } ?? false ? .node(layer.id) : nil
    }

    /// Whether there is one layer with weights, and nothing that joins, between a value and the fork.
    private func stemsFromOneLayer(below fork: Graph.Visit) -> (ValueID) -> Bool {
        { value in
            var layers = 0
            var producer = graph[value].producer
            while let id = producer, .node(id) != fork {
                if category(id).hasWeights { layers += 1 }
                producer = (graph[id].inputs.first ?? nil).flatMap { graph[$0].producer }
            }
            return layers == 1
        }
    }

    /// The node and everything that it needs below the fork, if it is not too much. The fork dominates it, so the walk
    /// cannot leave the block.
    private func nodes(above join: NodeID, upTo fork: Graph.Visit) -> Set<NodeID>? {
        var members: Set<NodeID> = [join]
        var pending = [join]
        while let id = pending.popLast() {
            guard members.count <= Self.largestBlock else { return nil }
            for case let input? in graph[id].inputs {
                guard let producer = graph[input].producer, .node(producer) != fork else { continue }
                if members.insert(producer).inserted { pending.append(producer) }
            }
        }
        return members
    }

    /// The activation behind the join and what turns its result into codes, as far as nothing else reads in between.
    private func tail(after join: NodeID) -> [NodeID] {
        var tail: [NodeID] = []
        var allowed: Set<DrawnNode.Category> = [.activation, .quantizing]
        var last = graph[join]
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
