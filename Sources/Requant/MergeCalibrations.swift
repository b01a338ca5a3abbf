import Passes
import TensorCore

extension Calibration {
    /// What one run over the data of several would have found, in the order of the files: tables of ranges, or histograms.
    ///
    /// - Extremes: the same as one run.
    /// - Histograms: counts go into the bins of the first file, which are widened as MXNet widens them. That is the same as
    ///   one run where bins are equally wide; elsewhere counts move by less than a bin, and a warning says so.
    /// - Thresholds in tables: the widest, which one run need not find; a warning says so.
    public static func merging(_ paths: [String], _ search: RangeSearch) throws -> Calibration {
        let kinds = try paths.map { try FileKind(of: $0) }
        guard kinds.contains(.archive) else {
            let tables = try paths.map { try RangeTable(reading: $0) }
            let thresholds = RangeTable.thresholdsMerged(tables)
            return Calibration(
                table: RangeTable.merging(tables),
                warnings: thresholds.isEmpty
                    ? []
                    : [
                        "the widest of the thresholds of \(thresholds.commaSeparated) was taken; one run over all data may find "
                            + "another. Merge histograms instead: requant calibrate --write-histograms writes them."
                    ])
        }
        if let index = kinds.firstIndex(where: { $0 != .archive }) {
            throw ModelError(
                "is a table, and others are histograms", at: paths[index],
                advice: "merge tables, or histograms, not both")
        }
        var statistics = CalibrationStatistics(keepsHistograms: true), order: [String] = [], moved: [String] = []
        for path in paths {
            let file = try HistogramFile.read(path)
            moved += statistics.merge(CalibrationStatistics(histograms: file.histograms)).filter { !moved.contains($0) }
            order += file.order.filter { !order.contains($0) }
        }
        var calibration = Calibration(statistics, search, order: order)
        if !moved.isEmpty {
            calibration.warnings.append(
                "counts of \(moved.commaSeparated) moved by up to a bin, since the first batches of the files differ in their "
                    + "largest magnitude. For exactly what one run finds, calibrate one part after the other with --histograms."
            )
        }
        return calibration
    }
}
