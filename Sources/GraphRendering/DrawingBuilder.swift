import GraphIR
import TensorCore

extension GraphDrawing {
    /// Draws a whole model; its blocks are framed.
    public init(of graph: Graph, options: DrawingOptions = .init()) {
        self.init(title: graph.name)
        scale = options.overlay?.scale
        var builder = DrawingBuilder(graph: graph, options: options)
        let nodes = graph.topologicalOrder()
        if options.framesBlocks && options.detail != .outline {
            builder.frame(Block.find(in: graph), groups: NameGroups.find(nodes, in: graph))
        }
        builder.draw(nodes, into: &self)
        if options.widthsShowBytes { widenArrows() }
    }

    /// Draws blocks of a model, each in a frame: what enters and leaves a block is a terminal.
    public init(of blocks: [Block], in graph: Graph, options: DrawingOptions = .init()) {
        self.init(title: graph.name)
        scale = options.overlay?.scale
        for (index, block) in blocks.enumerated() {
            let cluster = DrawnCluster(
                id: "block\(index)", title: block.name, subtitle: block.kind.title, role: .block)
            let builder = DrawingBuilder(graph: graph, options: options, prefix: "b\(index)", enclosing: cluster)
            builder.draw(block.nodes, into: &self)
        }
        if options.widthsShowBytes { widenArrows() }
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
    /// What the stage before had.
    var changes: StageChanges?
    private var frames: [DrawnCluster] = []
    private var frameOfNode: [NodeID: String] = [:]

    init(graph: Graph, options: DrawingOptions, prefix: String = "", enclosing: DrawnCluster? = nil) {
        self.graph = graph
        self.options = options
        self.prefix = prefix
        self.enclosing = enclosing
    }

    /// Puts a frame around each block, and around each group of names. Of blocks that overlap the smallest is framed.
    mutating func frame(_ blocks: [Block], groups: [NodeID: String]) {
        let names = Set(groups.values).sorted()
        for name in names {
            frames.append(DrawnCluster(id: "\(prefix)group-\(name)", title: name, subtitle: "", role: .group))
        }
        frameOfNode = groups.mapValues { "\(prefix)group-\($0)" }
        let smallestFirst = blocks.enumerated().sorted { ($0.1.nodes.count, $0.0) < ($1.1.nodes.count, $1.0) }
        var taken = Set<NodeID>()
        for (index, block) in smallestFirst where taken.isDisjoint(with: block.nodes) {
            taken.formUnion(block.nodes)
            let around = Set(block.nodes.map { groups[$0] })
            let id = "\(prefix)block\(index)"
            frames.append(
                DrawnCluster(
                    id: id, title: block.name, subtitle: block.kind.title, role: .block,
                    parent: around.count == 1 ? around.first?.map { "\(prefix)group-\($0)" } : nil))
            for node in block.nodes { frameOfNode[node] = id }
        }
    }

    /// Adds the nodes with the arrows between them, and a terminal for everything that comes from or goes outside.
    /// - Returns: the box of each node.
    @discardableResult
    func draw(_ nodes: [NodeID], into drawing: inout GraphDrawing) -> [NodeID: String] {
        let plans = options.detail.boxes(nodes, in: graph)
        var boxOfNode: [NodeID: String] = [:]
        for plan in plans {
            for node in plan.nodes { boxOfNode[node] = "\(prefix)n\(anchor(of: plan).index)" }
        }
        if let enclosing { drawing.clusters.append(enclosing) }
        var arrows = ArrowWriter(graph: graph, options: options, prefix: prefix, boxOfNode: boxOfNode)
        let boxes = BoxWriter(graph: graph, options: options, prefix: prefix)
        var used = Set<String>()

        for plan in plans {
            let frame = plan.nodes.lazy.compactMap { frameOfNode[$0] }.first ?? enclosing?.id
            for arrow in arrows.entering(plan) {
                if let terminal = arrow.terminal {
                    var terminal = terminal
                    terminal.cluster = terminal.category == .parameter ? frame : enclosing?.id
                    drawing.nodes.append(terminal)
                }
                drawing.edges.append(arrow.edge)
            }
            var box = boxes.box(plan, id: boxOfNode[plan.nodes[0]] ?? "")
            box.cluster = frame
            box.emphasis = changes?.emphasis(plan.nodes, in: graph) ?? .plain
            if let frame { used.insert(frame) }
            drawing.nodes.append(box)
        }
        for arrow in arrows.leaving(nodes) {
            if var terminal = arrow.terminal {
                terminal.cluster = enclosing?.id
                drawing.nodes.append(terminal)
            }
            drawing.edges.append(arrow.edge)
        }
        let parents = Set(frames.filter { used.contains($0.id) }.compactMap(\.parent))
        drawing.clusters += frames.filter { used.contains($0.id) || parents.contains($0.id) }
        return boxOfNode
    }

    /// The node that a box is called after.
    private func anchor(of plan: BoxPlan) -> NodeID {
        plan.nodes.first { Operation.category(of: graph[$0]).hasWeights } ?? plan.nodes[0]
    }
}
