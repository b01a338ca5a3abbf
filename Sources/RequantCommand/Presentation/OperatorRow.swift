import Comparison
import Operators
import TensorCore

/// A row of `requant operators`; `Schemas/operators.schema.json` describes its JSON.
struct OperatorRow: Encodable {
    var name: String
    var summary: String
    /// The names in MXNet's symbols; the first is written.
    var mxnet: [String]
    /// The ONNX operators that are read as this one.
    var onnx: [String]
    /// Why ONNX has none for it; nil if it has.
    var onnxReason: String?
    var quantization: String

    init(_ definition: any OperatorDefinition) {
        name = definition.name
        summary = definition.summary
        mxnet = (definition.mxnet?.names ?? []) + (definition.mxnet?.quantizedName.map { [$0] } ?? [])
        switch definition.onnx {
        case .mapped(let mapping): onnx = mapping.types
        case .unsupported(let reason): (onnx, onnxReason) = ([], reason)
        }
        quantization = definition.quantization.summary
    }

    /// Several operators may be written as the same of ONNX; only one of them reads it.
    private static let writtenOnly = "written; another operator reads it"

    static func table(of rows: [OperatorRow]) -> String {
        var table = TextTable(header: ["operator", "MXNet", "ONNX", "quantized"], words: [0, 1, 2, 3])
        for row in rows {
            table.add([
                row.name, row.mxnet.isEmpty ? "–" : row.mxnet.commaSeparated,
                row.onnxReason.map { "– (\($0))" } ?? (row.onnx.isEmpty ? writtenOnly : row.onnx.commaSeparated), row.quantization,
            ])
        }
        return table.text
    }

    /// `Docs/Operators.md`.
    static func page(of rows: [OperatorRow]) -> String {
        func code(_ names: [String]) -> String { names.map { "`\($0)`" }.commaSeparated }
        let lines = rows.map { row in
            let onnx = row.onnxReason.map { "– \($0)" } ?? (row.onnx.isEmpty ? writtenOnly : code(row.onnx))
            return "| `\(row.name)` | \(row.summary) | \(code(row.mxnet)) | \(onnx) | \(row.quantization) |\n"
        }
        return """
            # Operators

            Printed by `requant operators --markdown`; a test keeps it current.

            The first column is the name in the graph. Of several names of MXNet's, the first is written.

            | operator | what | MXNet | ONNX | quantized |
            |---|---|---|---|---|

            """ + lines.joined()
    }
}
