import Passes
import Requant

/// What a conversion wrote, what became what, and what could not be kept.
struct ConversionReport: Encodable {
    var files: [String]
    var nodes: Int
    var changes: [PassReport.Row]
    var losses: [String]
    var traps: [Trap]

    init(_ result: ConversionResult) {
        files = result.files
        nodes = result.nodes
        changes = result.records.filter { $0.outcome == .applied }.map(PassReport.Row.init)
        losses = result.losses
        traps = result.traps
    }

    func text(explain: Bool) -> String {
        var lines = files
        lines.append("\(Wording.count(nodes, "node")) written")
        var counts: [(pass: String, count: Int)] = []
        for change in changes {
            if let index = counts.firstIndex(where: { $0.pass == change.pass }) { counts[index].count += 1 } else {
                counts.append((change.pass, 1))
            }
        }
        for (pass, count) in counts { lines.append("  \(pass): \(Wording.count(count, "change"))") }
        if explain { for change in changes { lines.append("    \(change.pass) \(change.node): \(change.explanation)") } }
        lines += losses.isEmpty ? ["nothing was lost"] : losses.map { "note: \($0)" }
        for trap in traps where explain || trap.severity != .note { lines.append("\(trap.severity.rawValue): \(trap.line)") }
        return lines.joined(separator: "\n") + "\n"
    }
}
