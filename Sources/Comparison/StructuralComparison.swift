extension StructuralDiff {
    /// Compares two outlines.
    public init(_ reference: ModelOutline, _ candidate: ModelOutline) {
        let pairs = Self.pairs(reference.nodes, candidate.nodes)
        let (known, others) = (Self.origins(reference.nodes), Self.origins(candidate.nodes))
        referenceNodes = reference.nodes.count
        candidateNodes = candidate.nodes.count
        let pairedReferences = Set(pairs.map(\.reference)), pairedCandidates = Set(pairs.map(\.candidate))
        removed = reference.nodes.indices
            .filter { !pairedReferences.contains($0) && !Self.isSwallowed(reference.nodes[$0], others) }
            .map { Item(reference.nodes[$0]) }
        added = candidate.nodes.indices
            .filter { !pairedCandidates.contains($0) && !Self.isSwallowed(candidate.nodes[$0], known) }
            .map { Item(candidate.nodes[$0]) }
        fused = Self.fusions(in: candidate.nodes, of: reference.nodes)
        unfused = Self.fusions(in: reference.nodes, of: candidate.nodes)
        let changes = pairs.flatMap { Self.changes(reference.nodes[$0.reference], candidate.nodes[$0.candidate]) }
        attributes = changes.filter { $0.kind == .attribute }.map(\.change)
        ranges = changes.filter { $0.kind == .range }.map(\.change)
        parameters = changes.filter { $0.kind == .parameter }.map(\.change)
    }

    // MARK: Which nodes are the same

    private static func pairs(
        _ references: [ModelOutline.Node], _ candidates: [ModelOutline.Node]
    ) -> [(reference: Int, candidate: Int)] {
        var waiting = Dictionary(grouping: candidates.indices) { candidates[$0].origin }
        var partners = [Int?](repeating: nil, count: references.count)
        func take(_ index: Int, where fits: (ModelOutline.Node) -> Bool) {
            let origin = references[index].origin
            guard let place = waiting[origin]?.firstIndex(where: { fits(candidates[$0]) }) else { return }
            partners[index] = waiting[origin]?.remove(at: place)
        }
        // Equal nodes first, so that those beside them are what was added.
        for index in references.indices { take(index) { $0.op == references[index].op } }
        for index in references.indices where partners[index] == nil { take(index) { !Self.converts($0) } }
        return partners.enumerated().compactMap { index, partner in partner.map { (index, $0) } }
    }

    /// Nodes that only change how a value is stored are no layer's partner.
    private static func converts(_ node: ModelOutline.Node) -> Bool {
        ["Quantize", "QuantizeAsymmetric", "Requantize", "Dequantize"].contains(node.op)
    }

    /// The origins that a node of several origins stands for, apart from its own.
    private static func origins(_ nodes: [ModelOutline.Node]) -> Set<String> {
        Set(nodes.flatMap { $0.origins.dropLast() })
    }

    private static func isSwallowed(_ node: ModelOutline.Node, _ swallowed: Set<String>) -> Bool {
        swallowed.contains(node.origin)
    }

    private static func fusions(in nodes: [ModelOutline.Node], of parts: [ModelOutline.Node]) -> [Fusion] {
        let names = Dictionary(parts.map { ($0.origin, $0.name) }) { first, _ in first }
        return nodes.compactMap { node in
            let swallowed = node.origins.compactMap { names[$0] }
            return swallowed.count > 1 ? Fusion(name: node.name, op: node.op, parts: swallowed) : nil
        }
    }

    // MARK: How they differ

    private enum Kind { case attribute, range, parameter }

    private static let rangeAttributes: Set = ["min_calib_range", "max_calib_range"]

    private static func changes(
        _ reference: ModelOutline.Node, _ candidate: ModelOutline.Node
    ) -> [(kind: Kind, change: Change)] {
        var changes: [(kind: Kind, change: Change)] = []
        func compare(_ kind: Kind, _ what: String, _ before: String?, _ after: String?) {
            guard before != after else { return }
            changes.append(
                (
                    kind,
                    Change(
                        origin: reference.origin, reference: reference.name, candidate: candidate.name, what: what,
                        before: before, after: after)
                ))
        }
        // What was fused is told as such.
        if reference.origins.count == candidate.origins.count {
            compare(.attribute, "operator", reference.op, candidate.op)
        }
        // A fused node has the attributes of other nodes than it had before.
        if reference.op == candidate.op {
            for name in Set(reference.attributes.keys).union(candidate.attributes.keys).sorted() {
                compare(
                    rangeAttributes.contains(name) ? .range : .attribute, name, reference.attributes[name],
                    candidate.attributes[name])
            }
            for name in Set(reference.parameters.keys).union(candidate.parameters.keys).sorted() {
                compare(.parameter, name, reference.parameters[name], candidate.parameters[name])
            }
        }
        if !reference.result.isEmpty, !candidate.result.isEmpty {
            compare(.range, "result", reference.result, candidate.result)
        }
        return changes
    }
}

extension StructuralDiff.Item {
    fileprivate init(_ node: ModelOutline.Node) { self.init(name: node.name, op: node.op, origin: node.origin) }
}
