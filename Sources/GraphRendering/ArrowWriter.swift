import GraphIR
import TensorCore

/// The arrows between boxes, and the terminals at their ends.
struct ArrowWriter {
    let graph: Graph
    let options: DrawingOptions
    let prefix: String
    let boxOfNode: [NodeID: String]
    private var entered = Set<ValueID>()
    private var labelled = Set<ValueID>()

    struct Arrow {
        var edge: DrawnEdge
        /// The terminal at its end, if it is new.
        var terminal: DrawnNode?
    }

    init(graph: Graph, options: DrawingOptions, prefix: String, boxOfNode: [NodeID: String]) {
        self.graph = graph
        self.options = options
        self.prefix = prefix
        self.boxOfNode = boxOfNode
    }

    /// What a box reads from other boxes and from outside.
    mutating func entering(_ plan: BoxPlan) -> [Arrow] {
        let members = Set(plan.nodes)
        var arrows: [Arrow] = []
        var seen = Set<ValueID>()
        for id in plan.nodes {
            let node = graph[id]
            let values = node.inputs.compactMap { $0.map { graph[$0] } }
            let data = values.filter { !ParameterList.isParameter($0, in: graph) }
            let residual = residualIndex(of: node, data)
            for (index, value) in data.enumerated() {
                if let producer = value.producer, members.contains(producer) { continue }
                // One arrow is enough where a box of several nodes reads a value several times.
                guard plan.nodes.count == 1 || seen.insert(value.id).inserted else { continue }
                arrows.append(arrow(value, to: id, isResidual: index == residual, isOneOf: data.count))
            }
            guard options.detail == .all else { continue }
            for value in values where ParameterList.isParameter(value, in: graph) {
                arrows.append(parameterArrow(value, to: id))
            }
        }
        return arrows
    }

    private mutating func arrow(_ value: Value, to reader: NodeID, isResidual: Bool, isOneOf count: Int) -> Arrow {
        let isOutside = value.producer.map { boxOfNode[$0] == nil } ?? true
        let terminal = isOutside && entered.insert(value.id).inserted ? entry(value) : nil
        let isFirst = labelled.insert(value.id).inserted
        let source = value.producer.flatMap { boxOfNode[$0] } ?? "\(prefix)in\(value.id.index)"
        return Arrow(
            edge: edge(
                value, from: source, to: boxOfNode[reader] ?? "",
                lines: (isResidual ? ["residual"] : []) + label(of: value, isFirst: isFirst),
                isSkip: count > 1 && !isFirst),
            terminal: terminal)
    }

    /// What leaves for other places: outputs of the model, and readers that are not drawn.
    mutating func leaving(_ nodes: [NodeID]) -> [Arrow] {
        nodes.flatMap { graph[$0].outputs }.filter { leaves($0) }.map { output in
            let value = graph[output]
            let isFirst = labelled.insert(output).inserted
            let source = value.producer.flatMap { boxOfNode[$0] } ?? ""
            return Arrow(
                edge: edge(
                    value, from: source, to: "\(prefix)out\(output.index)", lines: label(of: value, isFirst: isFirst)),
                terminal: exit(value))
        }
    }

    private func edge(_ value: Value, from: String, to: String, lines: [String], isSkip: Bool = false) -> DrawnEdge {
        DrawnEdge(
            from: from, to: to, kind: ValueLabel.kind(of: value), lines: lines, isSkip: isSkip,
            width: options.widthsShowBytes ? value.byteCount.map(Double.init) : nil,
            tooltip: ([value.name] + ValueLabel.lines(for: value)
                + (value.byteCount.map { [ByteText.describe($0)] } ?? []))
                .joined(separator: "\n"))
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

    private func leaves(_ value: ValueID) -> Bool {
        graph.outputs.contains(value) || graph[value].uses.contains { boxOfNode[$0.node] == nil }
    }

    // MARK: Terminals

    private mutating func parameterArrow(_ value: Value, to reader: NodeID) -> Arrow {
        let id = "\(prefix)p\(value.id.index)"
        let type = ValueLabel.lines(for: value)
        let box = DrawnNode(
            id: id, name: value.name, title: ParameterList.role(of: value.name, for: graph[reader]),
            category: .parameter, lines: type, tooltip: ([value.name] + type).joined(separator: "\n"))
        return Arrow(
            edge: DrawnEdge(
                from: id, to: boxOfNode[reader] ?? "", kind: ValueLabel.kind(of: value),
                width: options.widthsShowBytes ? value.byteCount.map(Double.init) : nil, tooltip: value.name),
            terminal: entered.insert(value.id).inserted ? box : nil)
    }

    private func entry(_ value: Value) -> DrawnNode {
        let producer = graph.producer(of: value.id)
        return DrawnNode(
            id: "\(prefix)in\(value.id.index)", name: producer?.name ?? value.name,
            title: producer.map { "from \(title(of: $0))" } ?? "input", category: .terminal)
    }

    private func exit(_ value: Value) -> DrawnNode {
        let readers = Set(value.uses.map(\.node)).filter { boxOfNode[$0] == nil }.sorted().map { graph[$0] }
        let id = "\(prefix)out\(value.id.index)"
        guard !graph.outputs.contains(value.id), let reader = readers.first else {
            return DrawnNode(id: id, name: value.name, title: "output", category: .terminal)
        }
        return DrawnNode(
            id: id, name: reader.name, title: "to \(title(of: reader))", category: .terminal,
            lines: readers.count > 1 ? ["and \(readers.count - 1) more"] : [])
    }

    private func title(of node: Node) -> String {
        BoxWriter(graph: graph, options: options, prefix: prefix).title(of: node)
    }
}
