import Foundation

/// A report as people read it.
public enum ComparisonText {
    /// Tables that are printed beside the usual ones.
    public struct Detail: OptionSet, Sendable {
        /// One bit for each part.
        public let rawValue: Int
        /// The parts whose bits are set.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Of each layer, the histogram of errors in steps, saturation and dead channels.
        public static let histograms = Detail(rawValue: 1)
        /// Every class and every pair of classes that are confused, instead of the first few.
        public static let classes = Detail(rawValue: 2)
    }

    /// The report, with the parts of `details`.
    public static func text(of report: ComparisonReport, _ details: Detail = []) -> String {
        // Without data nothing was run.
        let samples = report.outputs.isEmpty && report.samples == 0 ? "" : "samples    \(report.samples)\n"
        var sections = ["reference  \(report.reference)\ncandidate  \(report.candidate)\n" + samples]
        if let structure = report.structure { sections.append(StructuralText.text(of: structure)) }
        if !report.layers.isEmpty { sections.append(table(of: report.layers, "layer", \.origin)) }
        if details.contains(.histograms) { sections.append(LayerDetailText.histograms(of: report.layers)) }
        sections.append(unmatched(in: report))
        if let weights = report.weights { sections.append(LayerDetailText.weights(weights)) }
        if !report.outputs.isEmpty { sections.append(table(of: report.outputs, "output", \.candidate)) }
        sections.append(SampleText.text(of: report, all: details.contains(.classes)))
        sections.append(summary(of: report))
        if let change = report.change { sections.append(table(of: change)) }
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// Columns that no row has anything for are left out.
    public static func table(
        of rows: [LayerComparison], _ title: String, _ name: (LayerComparison) -> String
    ) -> String {
        let hasLocal = rows.contains { $0.local != nil }, hasCodes = rows.contains { $0.codes != nil }
        // Below this it shows as 0.00 %.
        let isClipped = rows.contains { $0.saturation?.clipped ?? 0 >= 0.00005 }
        var table = TextTable(
            header: [title, "max diff", "mean diff", "SQNR dB"] + (hasLocal ? ["local dB"] : []) + ["cosine"]
                + (hasCodes ? ["codes off", "LSB"] : []) + (isClipped ? ["clipped"] : []))
        for row in rows {
            var cells = [name(row), significant(row.maximumDifference), significant(row.meanDifference)]
            cells.append(tenths(row.sqnr))
            if hasLocal { cells.append(row.local.map { tenths($0.sqnr) } ?? "") }
            cells.append(String(format: "%.6f", row.cosine))
            if hasCodes {
                cells += row.codes.map { [percent($0.differingShare), String($0.largestStep)] } ?? ["", ""]
            }
            if isClipped { cells.append(row.saturation.map { percent($0.clipped) } ?? "") }
            table.add(cells)
        }
        return table.text
    }

    private static func unmatched(in report: ComparisonReport) -> String {
        let sides = [("reference", report.unmatchedReference), ("candidate", report.unmatchedCandidate)]
        // What fusion swallowed is no surprise, and there is a lot of it: JSON has the names.
        return sides.flatMap { side, values in
            let swallowed = values.count { $0.inside != nil }
            return values.filter { $0.inside == nil }.map { "only in the \(side): \($0.value)\n" }
                + (swallowed == 0 ? [] : ["inside fused layers of the other: \(swallowed) of the \(side)\n"])
        }.joined()
    }

    private static func table(of change: ReportChange) -> String {
        var table = TextTable(header: ["since \(change.candidate)", "SQNR dB", "now", "gain"])
        for row in change.layers + change.outputs {
            let gain = row.gain.map { infinityText($0) ?? String(format: "%+.1f", $0) }
            table.add([row.name, row.before.map(tenths) ?? "-", row.after.map(tenths) ?? "-", gain ?? ""])
        }
        guard let before = change.top1Before, let after = change.top1After else { return table.text }
        return table.text + "top-1 \(percent(before)) → \(percent(after))\n"
    }

    private static func summary(of report: ComparisonReport) -> String {
        var lines: [String] = []
        if let classes = report.classification {
            if let reference = classes.referenceTop1, let candidate = classes.candidateTop1 {
                lines.append("top-1             \(percent(reference)) → \(percent(candidate))")
            }
            lines.append("agreement         \(percent(classes.agreement)) of \(classes.images) images")
        }
        if let first = report.firstDivergence {
            lines.append("first divergence  \(first.origin): \(first.reason)")
        }
        if let worst = report.worstLayer {
            let sqnr = report.layers.first { $0.origin == worst }.map { ": SQNR is \(decibels($0.sqnr))" }
            lines.append("worst layer       \(worst)\(sqnr ?? "")")
        }
        let locals = report.layers.filter { $0.local != nil }
        if let worst = locals.min(by: { $0.local?.sqnr ?? 0 < $1.local?.sqnr ?? 0 }), let local = worst.local,
            local.sqnr < .infinity
        {
            lines.append("worst by itself   \(worst.origin): local SQNR is \(decibels(local.sqnr))")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension ComparisonReport: CustomStringConvertible {
    /// The report as `requant diff` prints it.
    public var description: String { ComparisonText.text(of: self) }
}
