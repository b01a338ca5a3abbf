import GraphIR

/// Nodes whose names begin alike, as frameworks name what lies in one block of code: `resnetv10_stage1_conv0_fwd` belongs
/// to `stage1`, `/features/block2/conv/Conv` to `block2`.
enum NameGroups {
    /// The groups by node: the first word of its name behind what most names have in common.
    /// A group has at least two layers with weights, and is not the whole model.
    static func find(_ nodes: [NodeID], in graph: Graph) -> [NodeID: String] {
        let layers = nodes.filter { Operation.category(of: graph[$0]).hasWeights }
        let shared = sharedPrefix(layers.map { words(graph[$0]) })
        func group(_ id: NodeID) -> String? {
            let words = words(graph[id])
            guard words.count > shared.count + 1, words.starts(with: shared) else { return nil }
            return words[shared.count]
        }
        let counts = Dictionary(grouping: layers.compactMap(group)) { $0 }.mapValues(\.count)
        let groups = counts.filter { $0.value > 1 }
        guard groups.count > 1 else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: nodes.compactMap { id in group(id).flatMap { groups[$0] == nil ? nil : (id, $0) } })
    }

    /// What all layers' names begin with, but for one layer that may be called otherwise.
    private static func sharedPrefix(_ names: [[String]]) -> [String] {
        guard var prefix = names.first, names.count > 2 else { return [] }
        for name in names.dropFirst() { prefix = zip(prefix, name).prefix { $0 == $1 }.map(\.0) }
        return prefix
    }

    private static func words(_ node: Node) -> [String] {
        (node.origins.first ?? node.name).split { "_./:".contains($0) }.map(String.init)
    }
}
