import GraphIR
import Operators
import TensorCore

/// Which nodes quantize_graph quantizes, and why the others stay in float.
struct QuantizationPlan {
    /// The nodes that are quantized, with the rule that each of them has.
    private(set) var twins: [NodeID: QuantizedTwin] = [:]
    private(set) var refusals: [(node: String, reason: String)] = []

    /// - Throws: `ModelError` for an exclusion that matches nothing, with the nearest names.
    init(_ graph: Graph, _ options: QuantizationOptions, table: OperatorTable) throws {
        try Self.checkExclusions(graph, options, table)
        let order = graph.topologicalOrder().map { graph[$0] }
        for node in order {
            switch Self.decision(on: node, graph, options, table) {
            case .success(let twin): twins[node.id] = twin
            case .failure(let refusal): refusals.append((node.name, refusal.reason))
            }
        }
        guard options.mode == .smart else { return }
        let must = Set(twins.filter { $0.value.need == .must }.keys)
        let between = Self.between(must: must, support: Set(twins.keys).subtracting(must), order, graph)
        for node in order where twins[node.id]?.need == .support && !between.contains(node.id) {
            twins[node.id] = nil
            refusals.append((node.name, "smart mode: it does not lie between two quantized layers"))
        }
    }

    private struct Refusal: Error { let reason: String }

    private static func decision(
        on node: Node, _ graph: Graph, _ options: QuantizationOptions, _ table: OperatorTable
    ) -> Result<QuantizedTwin, Refusal> {
        guard let rule = table[node.op]?.quantization else {
            return .failure(Refusal(reason: "operator \(node.op) is not known"))
        }
        if isExcluded(node, options, table) { return .failure(Refusal(reason: "excluded")) }
        if let reason = rule.refusal(of: NodeReader(node, in: graph)) { return .failure(Refusal(reason: reason)) }
        guard case .quantized(let twin) = rule else { return .failure(Refusal(reason: "it stays in float")) }
        let others = node.outputs.dropFirst()
        if twin.result != .float, others.contains(where: { !graph[$0].uses.isEmpty || graph.outputs.contains($0) }) {
            return .failure(Refusal(reason: "its second output is used, which its int8 twin does not have"))
        }
        return .success(twin)
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
