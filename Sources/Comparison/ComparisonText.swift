import Foundation

/// A report as people read it.
public enum ComparisonText {
    public static func text(of report: ComparisonReport) -> String {
        var sections = [
            "reference  \(report.reference)\ncandidate  \(report.candidate)\nsamples    \(report.samples)\n"
        ]
        if !report.layers.isEmpty { sections.append(table(of: report.layers, "layer", \.origin)) }
        let unmatched = unmatched(in: report)
        if !unmatched.isEmpty { sections.append(unmatched) }
        sections.append(table(of: report.outputs, "output", \.candidate))
        let summary = summary(of: report)
        if !summary.isEmpty { sections.append(summary) }
        return sections.joined(separator: "\n")
    }

    /// The columns about codes are left out where no row has them.
    public static func table(
        of rows: [LayerComparison], _ title: String, _ name: (LayerComparison) -> String
    ) -> String {
        let hasCodes = rows.contains { $0.codes != nil }
        var header = [title, "max diff", "mean diff", "SQNR dB", "cosine"]
        if hasCodes { header += ["codes off", "LSB"] }
        var table = TextTable(header: header)
        for row in rows {
            var cells = [
                name(row), significant(row.maximumDifference), significant(row.meanDifference),
                infinityText(row.sqnr) ?? String(format: "%.1f", row.sqnr), String(format: "%.6f", row.cosine),
            ]
            if let codes = row.codes { cells += [percent(codes.differingShare), String(codes.largestStep)] }
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
        return lines.map { $0 + "\n" }.joined()
    }
}

extension ComparisonReport: CustomStringConvertible {
    /// The report as `requant diff` prints it.
    public var description: String { ComparisonText.text(of: self) }
}
