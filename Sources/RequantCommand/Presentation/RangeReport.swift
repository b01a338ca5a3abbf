import Passes
import Requant

/// Calibrated ranges; `Schemas/calibrate.schema.json` describes its JSON.
struct RangeReport: Encodable {
    struct Row: Encodable {
        var name: String
        var minimum: Double
        var maximum: Double
        var method: String
    }

    var ranges: [Row]
    var warnings: [String]
    /// Nil if nobody asked.
    var explanation: CalibrationExplanation?
    private var table: String

    private enum CodingKeys: CodingKey { case ranges, warnings, explanation }

    init(_ calibration: Calibration, explaining search: RangeSearch?) {
        ranges = calibration.table.entries.map {
            Row(name: $0.name, minimum: Double($0.range.min), maximum: Double($0.range.max), method: $0.method)
        }
        warnings = calibration.warnings
        explanation = search.map { CalibrationExplanation(calibration, $0) }
        table = calibration.table.text
    }

    var text: String { table + (explanation.map { "\n" + $0.text } ?? "") }
}
