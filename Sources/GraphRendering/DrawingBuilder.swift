import GraphIR
import TensorCore

extension GraphDrawing {
    /// Draws a whole model; its residual blocks are framed.
    public init(of graph: Graph, options: DrawingOptions = .init()) {
        self.init(title: graph.name)
        let blocks = options.framesBlocks ? ResidualBlock.find(in: graph) : []
        var builder = DrawingBuilder(graph: graph, options: options)
        builder.frame(blocks)
        builder.draw(graph.topologicalOrder(), into: &self)
    }

    /// Draws blocks of a model, each in a frame: what enters and leaves a block is a terminal.
    public init(of blocks: [ResidualBlock], in graph: Graph, options: DrawingOptions = .init()) {
        self.init(title: graph.name)
        for (index, block) in blocks.enumerated() {
            let cluster = DrawnCluster(id: "block\(index)", title: block.name, subtitle: "", role: .block)
            let builder = DrawingBuilder(graph: graph, options: options, prefix: "b\(index)", enclosing: cluster)
            builder.draw(block.nodes, into: &self)
        }
    }
}

/// Turns nodes of one graph into boxes, arrows and terminals.
struct DrawingBuilder {
    let graph: Graph
    let options: DrawingOptions
    /// In front of every id, so that several graphs fit into one drawing.
    var prefix = ""
    /// The frame around everything.
    var enclosing: DrawnCluster?
    private var clusterOfNode: [NodeID: DrawnCluster] = [:]

    init(graph: Graph, options: DrawingOptions, prefix: String = "", enclosing: DrawnCluster? = nil) {
        self.graph = graph
        self.options = options
        self.prefix = prefix
        self.enclosing = enclosing
    }

    /// Puts a frame around each block. Of blocks that overlap the smallest is framed.
    mutating func frame(_ blocks: [ResidualBlock]) {
        let smallestFirst = blocks.enumerated().sorted { ($0.1.nodes.count, $0.0) < ($1.1.nodes.count, $1.0) }
        for (index, block) in smallestFirst where !block.nodes.contains(where: { clusterOfNode[$0] != nil }) {
            let cluster = DrawnCluster(id: "\(prefix)block\(index)", title: block.name, subtitle: "", role: .block)
            for node in block.nodes { clusterOfNode[node] = cluster }
        }
    }

    /// Adds the nodes with the arrows between them, and a terminal for everything that comes from or goes outside.
    func draw(_ nodes: [NodeID], into drawing: inout GraphDrawing) {
        let members = Set(nodes)
        var entered = Set<ValueID>()
        var labelled = Set<ValueID>()
        if let enclosing { drawing.clusters.append(enclosing) }

        for id in nodes {
            let node = graph[id]
            let data = node.inputs.compactMap { $0.map { graph[$0] } }
                .filter { !ParameterList.isParameter($0, in: graph) }
            let residual = residualIndex(of: node, data)
            for (index, value) in data.enumerated() {
                let input = value.id
                if !(value.producer.map(members.contains) ?? false), entered.insert(input).inserted {
                    drawing.nodes.append(entry(value))
                }
                let isFirst = labelled.insert(input).inserted
                drawing.edges.append(
                    DrawnEdge(
                        from: source(value, members), to: name(id), kind: ValueLabel.kind(of: value),
                        lines: (index == residual ? ["residual"] : []) + label(of: value, isFirst: isFirst), isSkip: data.count > 1 && !isFirst))
            }
            if let cluster = clusterOfNode[id], !drawing.clusters.contains(where: { $0.id == cluster.id }) {
                drawing.clusters.append(cluster)
            }
            drawing.nodes.append(box(node))
        }
        for id in nodes {
            for output in graph[id].outputs where leaves(output, members) {
                let value = graph[output]
                let isFirst = labelled.insert(output).inserted
                drawing.nodes.append(exit(value, members))
                drawing.edges.append(
                    DrawnEdge(
                        from: name(id), to: "\(prefix)out\(output.index)", kind: ValueLabel.kind(of: value),
                        lines: label(of: value, isFirst: isFirst)))
            }
        }
    }

    /// The id of a node's box.
    func name(_ id: NodeID) -> String { "\(prefix)n\(id.index)" }

    private func source(_ value: Value, _ members: Set<NodeID>) -> String {
        if let producer = value.producer, members.contains(producer) { return name(producer) }
        return "\(prefix)in\(value.id.index)"
    }

    /// The first arrow of a value tells all, and each of its arrows where its codes lie.
    private func label(of value: Value, isFirst: Bool) -> [String] {
        guard options.labelsEdges else { return [] }
        if isFirst { return ValueLabel.lines(for: value) }
        guard let type = value.type, type.dataType.isCode, let range = ValueLabel.range(of: type) else { return [] }
        return [type.dataType.description, range]
    }

    /// Which of a node's data is the residual: a fused node reads what its sum adds behind everything else.
    private func residualIndex(of node: Node, _ data: [Value]) -> Int? {
        guard options.labelsEdges, Operation.category(of: node) == .fused, data.count > 1, let body = node.bodies.first,
            body.nodes.contains(where: { Operation.category(of: $0) == .sum })
        else { return nil }
        return data.count - 1
    }

    private func leaves(_ value: ValueID, _ members: Set<NodeID>) -> Bool {
        graph.outputs.contains(value) || graph[value].uses.contains { !members.contains($0.node) }
    }

    // MARK: Boxes

    private func box(_ node: Node) -> DrawnNode {
        let category = Operation.category(of: node)
        let kind = node.inputs.first.flatMap { $0 }.map { ValueLabel.kind(of: graph[$0]) }
        var drawn = DrawnNode(
            id: name(node.id), name: node.name, title: title(of: node), category: category,
            arithmetic: (kind == .int8 || kind == .uint8) && category != .quantizing ? .int8 : nil,
            cluster: clusterOfNode[node.id]?.id ?? enclosing?.id)
        drawn.parts = (category == .fused ? node.bodies.first : nil).map { body in
            body.topologicalOrder().map {
                DrawnNode.Part(title: Operation.partTitle(of: body[$0]), details: Operation.details(of: body[$0]))
            }
        } ?? []
        drawn.lines = [Operation.details(of: node), ValueLabel.range(of: node) ?? ""].filter { !$0.isEmpty }
        if options.listsParameters { drawn.lines += ParameterList.lines(of: node, in: graph) }
        return drawn
    }

    /// A node that makes codes tells which, even where its attributes leave it to the data.
    private func title(of node: Node) -> String {
        let type = node.outputs.first.flatMap { graph[$0].type?.dataType }
        guard Operation.category(of: node) == .quantizing, let type, type.isCode else {
            return Operation.title(of: node)
        }
        return "\(node.op) → \(type)"
    }

    private func entry(_ value: Value) -> DrawnNode {
        let producer = graph.producer(of: value.id)
        return DrawnNode(
            id: "\(prefix)in\(value.id.index)", name: producer?.name ?? value.name,
            title: producer.map { "from \(title(of: $0))" } ?? "input", category: .terminal,
            cluster: enclosing?.id)
    }

    private func exit(_ value: Value, _ members: Set<NodeID>) -> DrawnNode {
        let readers = Set(value.uses.map(\.node)).subtracting(members).sorted().map { graph[$0] }
        let id = "\(prefix)out\(value.id.index)"
        guard !graph.outputs.contains(value.id), let reader = readers.first else {
            return DrawnNode(id: id, name: value.name, title: "output", category: .terminal, cluster: enclosing?.id)
        }
        return DrawnNode(
            id: id, name: reader.name, title: "to \(title(of: reader))", category: .terminal,
            lines: readers.count > 1 ? ["and \(readers.count - 1) more"] : [], cluster: enclosing?.id)
    }
}
