import GraphIR
import Passes
import TensorCore

extension Model {
    /// Gives the quantize and requantize nodes of a quantized model the ranges of a table, as calibration would have.
    /// - Throws: `ModelError` for a model without such nodes, and for names that the model does not have.
    public func withRanges(_ table: RangeTable) throws -> (model: Model, records: [PassRecord]) {
        let points = CalibrationPoints.names(for: graph)
        guard !points.isEmpty else {
            throw ModelError(
                "has no quantize and requantize nodes that ranges are for", at: graph.name,
                advice: "give a model that was quantized without calibration, or use requant quantize --ranges")
        }
        let known = Set(points + calibratableValues + CalibrationPoints.floatValues(of: graph))
        try table.require(fitting: known, of: graph.name)
        return try run(Pipelines.calibrate(table.ranges))
    }
}

extension RangeTable {
    /// Refuses ranges of values that do not exist. A table may serve several exclusions: those of values that stay in float
    /// are passed over.
    /// - Throws: `ModelError` that names the line, and the nearest names.
    func require(fitting known: Set<String>, of model: String) throws {
        guard let entry = entries.first(where: { !known.contains($0.name) }) else { return }
        let nearest = nearestNames(to: entry.name, among: known)
        let place = [path, entry.line.map { "line \($0)" }].compactMap { $0 }
        throw ModelError(
            "the ranges name '\(entry.name)', which the model does not have",
            at: place.isEmpty ? model : place.joined(separator: ", "),
            advice: nearest.isEmpty ? nil : "did you mean \(nearest.commaSeparated)?")
    }
}
