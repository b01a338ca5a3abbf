/// What the outputs of a candidate have to keep to.
public struct ComparisonLimits: Sendable, Equatable {
    /// No output may differ by more than this, in its own units.
    public var maximumDifference: Double?
    /// No output may have less, in dB.
    public var minimumSQNR: Double?
    /// The candidate has to classify this share correctly, in 0…1.
    public var minimumTop1: Double?

    /// Limits that are nil are none.
    public init(maximumDifference: Double? = nil, minimumSQNR: Double? = nil, minimumTop1: Double? = nil) {
        self.maximumDifference = maximumDifference
        self.minimumSQNR = minimumSQNR
        self.minimumTop1 = minimumTop1
    }

    /// A sentence for each limit that is exceeded, or that nothing was measured for. Empty means that all is well.
    public func violations(of report: ComparisonReport) -> [String] {
        var violations: [String] = []
        if report.outputs.isEmpty, maximumDifference != nil || minimumSQNR != nil {
            violations.append("No output was compared, so no limit is known to be kept.")
        }
        for output in report.outputs {
            let name = "Output '\(output.candidate)'"
            // Negated, so that a measure that is NaN exceeds every limit.
            if let limit = maximumDifference, !(output.maximumDifference <= limit) {
                violations.append(
                    "\(name) differs by \(significant(output.maximumDifference)); \(significant(limit)) is the limit.")
            }
            if let limit = minimumSQNR, !(output.sqnr >= limit) {
                violations.append(
                    "\(name) has an SQNR of \(decibels(output.sqnr)); at least \(decibels(limit)) is asked.")
            }
        }
        if let limit = minimumTop1 {
            if let top1 = report.classification?.candidateTop1 {
                if !(top1 >= limit) {
                    violations.append("Top-1 is \(percent(top1)); at least \(percent(limit)) is asked.")
                }
            } else {
                violations.append("Top-1 is not known, since the data has no labels or the outputs are no logits.")
            }
        }
        return violations
    }
}
