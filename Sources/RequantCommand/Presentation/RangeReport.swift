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

    init(_ calibration: Calibration) {
        ranges = calibration.table.entries.map {
            Row(name: $0.name, minimum: Double($0.range.min), maximum: Double($0.range.max), method: $0.method)
        }
        warnings = calibration.warnings
    }
}
