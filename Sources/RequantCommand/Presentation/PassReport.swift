import Comparison
import Passes

/// What passes did and refused to do; `Schemas/fuse.schema.json` describes its JSON.
struct PassReport: Encodable {
    struct Row: Encodable {
        var pass: String
        var node: String
        var explanation: String

        init(_ record: PassRecord) {
            (pass, node, explanation) = (record.pass, record.node, record.explanation)
        }
    }

    var applied: [Row]
    /// Nil if nobody asked.
    var refused: [Row]?

    init(_ records: [PassRecord], includingRefused: Bool) {
        applied = records.filter { $0.outcome == .applied }.map(Row.init)
        refused = includingRefused ? records.filter { $0.outcome == .refused }.map(Row.init) : nil
    }

    var text: String {
        let done = applied.isEmpty ? "nothing to fuse\n" : Self.table(of: applied, "fused")
        guard let refused else { return done }
        return done + "\n" + (refused.isEmpty ? "nothing was refused\n" : Self.table(of: refused, "not fused"))
    }

    private static func table(of rows: [Row], _ title: String) -> String {
        var table = TextTable(header: [title, "pass", "what"], words: [0, 1, 2])
        for row in rows { table.add([row.node, row.pass, row.explanation]) }
        return table.text
    }
}
