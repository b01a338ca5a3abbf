import Comparison
import Passes

/// A pipeline with its passes; `Schemas/pipelines.schema.json` describes its JSON.
struct PipelineRow: Encodable {
    struct Pass: Encodable {
        var name: String
        var summary: String
    }

    var name: String
    var summary: String
    var passes: [Pass]

    init(_ pipeline: Pipeline) {
        name = pipeline.name
        summary = pipeline.summary
        passes = pipeline.passes.map { Pass(name: $0.name, summary: $0.summary) }
    }

    static func table(of rows: [PipelineRow]) -> String {
        var table = TextTable(header: ["pipeline", "pass", "what it does"], words: [0, 1, 2])
        for row in rows {
            for (index, pass) in row.passes.enumerated() {
                table.add([index == 0 ? row.name : "", pass.name, pass.summary])
            }
        }
        return table.text
    }
}
