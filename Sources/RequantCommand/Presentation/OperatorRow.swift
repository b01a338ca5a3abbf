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

    static func table(of rows: [OperatorRow]) -> String {
        var table = TextTable(header: ["operator", "MXNet", "ONNX", "quantized"], words: [0, 1, 2, 3])
        for row in rows {
            table.add([
                row.name, row.mxnet.isEmpty ? "–" : row.mxnet.commaSeparated,
                row.onnxReason.map { "– (\($0))" } ?? row.onnx.commaSeparated, row.quantization,
            ])
        }
        return table.text
    }
}
