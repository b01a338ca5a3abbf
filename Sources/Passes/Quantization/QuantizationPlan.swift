import GraphIR
import Operators
import TensorCore

/// Which nodes quantize_graph quantizes, and why the others stay in float.
struct QuantizationPlan {
    private(set) var quantized = Set<NodeID>()
    private(set) var refusals: [(node: String, reason: String)] = []

    /// - Throws: `ModelError` for an exclusion that matches nothing, with the nearest names.
    init(_ graph: Graph, _ options: QuantizationOptions, table: OperatorTable) throws {
        try Self.checkExclusions(graph, options, table)
        let order = graph.topologicalOrder().map { graph[$0] }
        var must = Set<NodeID>(), support = Set<NodeID>()
        for node in order {
            guard let definition = table[node.op] else {
                refusals.append((node.name, "operator \(node.op) is not known"))
                continue
            }
            if Self.isExcluded(node, options, table) {
                refusals.append((node.name, "excluded"))
                continue
            }
            if let reason = definition.quantization.refusal(of: node) {
                refusals.append((node.name, reason))
            } else if case .weighted = definition.quantization {
                must.insert(node.id)
            } else {
                support.insert(node.id)
            }
        }
        switch options.mode {
        case .full: quantized = must.union(support)
        case .smart:
            let between = Self.between(must: must, support: support, order, graph)
            quantized = must.union(between)
            for node in order where support.contains(node.id) && !between.contains(node.id) {
                refusals.append((node.name, "smart mode: it does not lie between two quantized layers"))
            }
        }
    }

    /// Support nodes that a must node feeds and that feed a must node, through support nodes.
    private static func between(
        must: Set<NodeID>, support: Set<NodeID>, _ order: [Node], _ graph: Graph
    ) -> Set<NodeID> {
        var fed = Set<NodeID>(), feeding = Set<NodeID>()
        for node in order where support.contains(node.id) {
            let producers = node.inputs.compactMap { $0 }.compactMap { graph[$0].producer }
            if producers.contains(where: { must.contains($0) || fed.contains($0) }) { fed.insert(node.id) }
        }
        for node in order.reversed() where support.contains(node.id) {
            let consumers = node.outputs.flatMap { graph[$0].uses.map(\.node) }
            if consumers.contains(where: { must.contains($0) || feeding.contains($0) }) { feeding.insert(node.id) }
        }
        return fed.intersection(feeding)
    }

    private static func isExcluded(_ node: Node, _ options: QuantizationOptions, _ table: OperatorTable) -> Bool {
        if options.excludedNames.contains(where: { $0 == node.name || node.origins.contains($0) }) { return true }
        return !operatorNames(node, table).isDisjoint(with: options.excludedOperators)
    }

    /// What the user may call a node's operator: the graph's name, MXNet's names, and those of its main inner node.
    private static func operatorNames(_ node: Node, _ table: OperatorTable) -> Set<String> {
        let inner = node.bodies.first.flatMap { body in body.topologicalOrder().first.map { body[$0].op } }
        return Set([node.op] + (table[node.op]?.mxnet?.names ?? []) + (inner.map { [$0] } ?? []))
    }

    private static func checkExclusions(_ graph: Graph, _ options: QuantizationOptions, _ table: OperatorTable) throws {
        let names = Set(graph.nodes.flatMap { [$0.name] + $0.origins })
        let operators = Set(graph.nodes.flatMap { operatorNames($0, table) })
        let wrong =
            options.excludedNames.filter { !names.contains($0) }.map { ("node", $0, names) }
            + options.excludedOperators.filter { !operators.contains($0) }.map { ("operator", $0, operators) }
        guard let (kind, name, candidates) = wrong.first else { return }
        let nearest = nearestNames(to: name, among: candidates)
        throw ModelError(
            "there is no \(kind) '\(name)' to exclude",
            advice: nearest.isEmpty
                ? "'requant inspect --layers' lists them" : "did you mean \(nearest.commaSeparated)?")
    }
}
