/// What of the data two models part on: samples and classes.
enum SampleText {
    /// How many rows are shown unless all are asked for.
    private static let few = 5

    static func text(of report: ComparisonReport, all: Bool) -> String {
        var sections: [String] = []
        if let classes = report.classification {
            if all { sections.append(table(of: classes.classes)) }
            if !classes.disagreements.isEmpty { sections.append(table(of: classes.disagreements, all: all)) }
        }
        if !report.worstSamples.isEmpty { sections.append(table(of: report.worstSamples, all: all)) }
        return sections.joined(separator: "\n")
    }

    private static func table(of classes: [ClassComparison]) -> String {
        let isLabelled = classes.contains { $0.labelled != nil }
        var table = TextTable(
            header: ["class", "images", "agreeing"] + (isLabelled ? ["labelled", "reference", "candidate"] : []))
        for row in classes {
            var cells = ["\(row.index)", "\(row.images)", row.agreement.map(percent) ?? ""]
            if let labelled = row.labelled, labelled > 0, let reference = row.referenceCorrect,
                let candidate = row.candidateCorrect
            {
                cells += ["\(labelled)"] + [reference, candidate].map { percent(Double($0) / Double(labelled)) }
            }
            table.add(cells)
        }
        return table.text
    }

    private static func table(of disagreements: [Disagreement], all: Bool) -> String {
        var table = TextTable(header: ["reference says", "candidate says", "images"], words: [])
        for row in all ? disagreements : Array(disagreements.prefix(few)) {
            table.add([name(row.reference), name(row.candidate), "\(row.images)"])
        }
        let rest = disagreements.count - few
        return table.text + (all || rest <= 0 ? "" : "and \(rest) more pairs of classes\n")
    }

    private static func table(of samples: [SampleComparison], all: Bool) -> String {
        let hasClasses = samples.contains { $0.referenceClass != nil || $0.candidateClass != nil }
        let hasLabels = samples.contains { $0.label != nil }
        var table = TextTable(
            header: ["worst inputs", "max diff", "SQNR dB"] + (hasClasses ? ["reference", "candidate"] : [])
                + (hasLabels ? ["label"] : []))
        for sample in all ? samples : Array(samples.prefix(few)) {
            var cells = ["\(sample.index)" + (sample.name.map { "  \($0)" } ?? "")]
            cells += [significant(sample.maximumDifference), tenths(sample.sqnr)]
            if hasClasses { cells += [name(sample.referenceClass), name(sample.candidateClass)] }
            if hasLabels { cells.append(sample.label.map(String.init) ?? "") }
            table.add(cells)
        }
        return table.text
    }

    private static func name(_ index: Int?) -> String { index.map(String.init) ?? "none" }
}
