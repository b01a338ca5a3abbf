/// A structural comparison as people read it.
enum StructuralText {
    static func text(of structure: StructuralDiff) -> String {
        var sections = [
            "nodes      \(structure.referenceNodes) → \(structure.candidateNodes)\n"
                + (structure.isEmpty ? "the graphs are the same\n" : "")
        ]
        sections.append(table(of: structure.removed, "removed"))
        sections.append(table(of: structure.added, "added"))
        sections.append(table(of: structure.fused, "fused"))
        sections.append(table(of: structure.unfused, "taken apart"))
        sections.append(table(of: structure.attributes, "attribute of"))
        sections.append(table(of: structure.ranges, "range of"))
        sections.append(table(of: structure.parameters, "parameter of"))
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func table(of items: [StructuralDiff.Item], _ title: String) -> String {
        guard !items.isEmpty else { return "" }
        var table = TextTable(header: [title, "operator", "beside"], words: [0, 1, 2])
        for item in items { table.add([item.name, item.op, item.origin == item.name ? "" : item.origin]) }
        return table.text
    }

    private static func table(of fusions: [StructuralDiff.Fusion], _ title: String) -> String {
        guard !fusions.isEmpty else { return "" }
        var table = TextTable(header: [title, "operator", "nodes"], words: [0, 1, 2])
        for fusion in fusions { table.add([fusion.name, fusion.op, fusion.parts.joined(separator: " + ")]) }
        return table.text
    }

    private static func table(of changes: [StructuralDiff.Change], _ title: String) -> String {
        guard !changes.isEmpty else { return "" }
        var table = TextTable(header: [title, "what", "before", "after"], words: [0, 1, 2, 3])
        for change in changes { table.add([change.origin, change.what, change.before ?? "-", change.after ?? "-"]) }
        return table.text
    }
}
