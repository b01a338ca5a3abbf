import GraphIR
import TensorCore

/// What stands in the box of a node, of a layer with what follows it, or of several layers.
struct BoxWriter {
    let graph: Graph
    let options: DrawingOptions
    let prefix: String

    func box(_ plan: BoxPlan, id: String) -> DrawnNode {
        let nodes = plan.nodes.map { graph[$0] }
        let head =
            nodes.first { Operation.category(of: $0).hasWeights } ?? nodes.first {
                Operation.category(of: $0) != .quantizing
            } ?? nodes[0]
        var drawn = plan.title == nil ? layer(head, nodes, id) : folded(plan, head, id)
        if let overlay = options.overlay { add(overlay, nodes, to: &drawn) }
        drawn.tooltip = tooltip(nodes, drawn)
        drawn.url = options.link?(head)
        return drawn
    }

    // MARK: Kinds of box

    private func layer(_ head: Node, _ nodes: [Node], _ id: String) -> DrawnNode {
        let category = Operation.category(of: head)
        var drawn = DrawnNode(
            id: id, name: head.name, title: title(of: head), category: category, arithmetic: arithmetic(of: nodes))
        let inner = (category == .fused ? head.bodies.first : nil).map { body in
            body.topologicalOrder().map { part(body[$0]) }
        }
        if nodes.count > 1 {
            drawn.parts = nodes.flatMap { node in
                node.id == head.id
                    ? inner ?? [part(node)]
                    : [DrawnNode.Part(title: chainTitle(of: node), details: ValueLabel.range(of: node) ?? "")]
            }
        } else {
            drawn.parts = inner ?? []
        }
        drawn.lines = [drawn.parts.isEmpty ? Operation.details(of: head) : "", ValueLabel.range(of: head) ?? ""]
        if category == .fused { drawn.lines[0] = Operation.details(of: head) }
        drawn.lines = drawn.lines.filter { !$0.isEmpty }
        if options.listsParameters && options.detail != .all {
            drawn.lines += nodes.flatMap { ParameterList.lines(of: $0, in: graph) }
        }
        return drawn
    }

    private func folded(_ plan: BoxPlan, _ head: Node, _ id: String) -> DrawnNode {
        let count = plan.count > 1 ? "\(plan.count) × " : ""
        let category: DrawnNode.Category =
            plan.nodes.contains { Operation.category(of: graph[$0]) == .fused }
            ? .fused
            : plan.nodes.contains { Operation.category(of: graph[$0]).hasWeights }
                ? .weighted
                : Operation.category(of: head)
        let names = [graph[plan.nodes[0]].origins.first ?? "", graph[plan.nodes[plan.nodes.count - 1]].origin]
        var drawn = DrawnNode(
            id: id, name: names[0] == names[1] ? names[0] : names.joined(separator: " … "),
            title: count + (plan.title ?? ""), category: category,
            arithmetic: arithmetic(of: plan.nodes.map { graph[$0] }))
        drawn.lines = [contents(of: plan)]
        return drawn
    }

    /// `2 Convolution 3×3, 2 BatchNorm, 2 relu`: of one of the repeated parts.
    private func contents(of plan: BoxPlan) -> String {
        var counts: [(title: String, count: Int)] = []
        for id in plan.unit {
            let node = graph[id]
            guard Operation.category(of: node) != .quantizing else { continue }
            let window = Operation.details(of: node).split(separator: ",").first.map(String.init) ?? ""
            let isWindow = Operation.category(of: node) == .weighted && window.contains("×")
            let title = Operation.partTitle(of: node) + (isWindow ? " \(window)" : "")
            if let index = counts.firstIndex(where: { $0.title == title }) {
                counts[index].count += 1
            } else {
                counts.append((title, 1))
            }
        }
        let shown = counts.prefix(6).map { $0.count > 1 ? "\($0.count) \($0.title)" : $0.title }
        return (shown + (counts.count > 6 ? ["…"] : [])).joined(separator: ", ")
    }

    // MARK: Text

    private func part(_ node: Node) -> DrawnNode.Part {
        DrawnNode.Part(title: Operation.partTitle(of: node), details: Operation.details(of: node))
    }

    private func chainTitle(of node: Node) -> String {
        Operation.category(of: node) == .quantizing ? title(of: node) : Operation.partTitle(of: node)
    }

    private func arithmetic(of nodes: [Node]) -> PathKind? {
        let reads = nodes.contains { node in
            guard Operation.category(of: node) != .quantizing, let first = node.inputs.first ?? nil else {
                return false
            }
            let kind = ValueLabel.kind(of: graph[first])
            return kind == .int8 || kind == .uint8
        }
        return reads ? .int8 : nil
    }

    /// A node that makes codes tells which, even where its attributes leave it to the data.
    func title(of node: Node) -> String {
        let type = node.outputs.first.flatMap { graph[$0].type?.dataType }
        guard Operation.category(of: node) == .quantizing, let type, type.isCode else {
            return Operation.title(of: node)
        }
        return "\(node.op) → \(type)"
    }

    /// The overlay's measure of all nodes of a box: their sum, or the largest.
    private func add(_ overlay: Overlay, _ nodes: [Node], to drawn: inout DrawnNode) {
        let entries = nodes.compactMap(overlay.entry)
        guard let largest = entries.max(by: { $0.value < $1.value }) else { return }
        let value = overlay.isSummed ? entries.reduce(0) { $0 + $1.value } : largest.value
        drawn.heat = overlay.heat(of: value)
        drawn.lines.append(
            entries.count == 1 || !overlay.isSummed ? largest.text : "largest of \(entries.count): \(largest.text)")
    }

    private func tooltip(_ nodes: [Node], _ drawn: DrawnNode) -> String {
        let names = nodes.prefix(12).map { node in
            let origins = node.origins == [node.name] ? "" : " = \(node.origins.joined(separator: " + "))"
            return "\(node.name) (\(node.op))\(origins)"
        }
        let more = nodes.count > 12 ? ["and \(nodes.count - 12) more"] : []
        return (names + more + drawn.lines).joined(separator: "\n")
    }
}
