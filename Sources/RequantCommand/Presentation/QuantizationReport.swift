import Comparison
import Passes
import Requant

/// The stages of a quantization; `Schemas/quantize.schema.json` describes its JSON.
struct QuantizationReport: Encodable {
    struct Stage: Encodable {
        var name: String
        var nodes: Int
        /// Layers with weights, and those of them that work on codes.
        var weightedLayers: Int
        var quantizedLayers: Int
        var seconds: Double
    }

    var path: String
    var stages: [Stage]
    var calibratedRanges: Int
    /// Nodes that stay in float, with the reason.
    var refused: [PassReport.Row]
    var warnings: [String]
    /// How ranges were chosen, and what every pass did; nil if nobody asked.
    var explanation: CalibrationExplanation?
    var passes: [PassReport.Row]?

    init(_ result: QuantizationResult, path: String, explaining search: RangeSearch? = nil) {
        self.path = path
        stages = result.stages.map { stage in
            let layers = stage.model.layerCounts
            return Stage(
                name: stage.name, nodes: stage.model.graph.topologicalOrder().count, weightedLayers: layers.weighted,
                quantizedLayers: layers.quantized, seconds: stage.duration / .seconds(1))
        }
        calibratedRanges = result.table?.entries.count ?? 0
        refused = PassReport(result.records.filter { $0.pass == "QuantizeGraph" }, includingRefused: true).refused ?? []
        warnings = result.warnings
        explanation = search.flatMap { search in result.calibration.map { CalibrationExplanation($0, search) } }
        passes = search.map { _ in PassReport(result.records, includingRefused: false).applied }
    }

    var text: String {
        var table = TextTable(header: ["stage", "nodes", "int8 layers", "time"])
        for stage in stages {
            table.add([
                stage.name, "\(stage.nodes)", "\(stage.quantizedLayers) of \(stage.weightedLayers)",
                Wording.seconds(.seconds(stage.seconds)),
            ])
        }
        var lines = refused.map { "float: \($0.node) – \($0.explanation)" }
        let ranges = calibratedRanges == 0
            ? "each run finds the ranges" : "\(Wording.count(calibratedRanges, "range")) calibrated"
        if let last = stages.last {
            lines.append("\(path): \(last.quantizedLayers) of \(last.weightedLayers) layers in int8, \(ranges)")
        }
        let explanations = [passes.map(Self.table), explanation?.text].compactMap { $0 }.map { $0 + "\n" }
        return explanations.joined() + table.text + "\n" + lines.map { $0 + "\n" }.joined()
    }

    private static func table(of passes: [PassReport.Row]) -> String {
        var table = TextTable(header: ["node", "pass", "what"], words: [0, 1, 2])
        for row in passes { table.add([row.node, row.pass, row.explanation]) }
        return table.text
    }
}
