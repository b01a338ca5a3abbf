/// What has become of a comparison since another one was saved: the same reference, mostly, and a candidate that was made
/// otherwise.
public struct ReportChange: Sendable, Equatable, Codable {
    /// One number that changed.
    public struct Row: Sendable, Equatable, Codable {
        /// The origin of a layer, or the reference's name of an output.
        public var name: String
        /// SQNR in dB, then and now; nil where one of the two has no such row.
        public var before: Double?
        /// In the new report; nil if it is not in it.
        public var after: Double?

        /// In dB; nil where it is not known.
        public var gain: Double? {
            guard let before, let after, before.isFinite || after.isFinite else { return nil }
            return after - before
        }
    }

    /// The models that were compared then.
    public var reference: String
    /// What the models that are compared are called.
    public var candidate: String
    /// Those of the outputs.
    public var outputs: [Row]
    /// In the order of computation; empty where one of the two has no layers.
    public var layers: [Row]
    /// Of the old candidate, in 0…1; nil without labels.
    public var top1Before: Double?
    /// Of the new candidate, in 0…1; nil without labels.
    public var top1After: Double?

    /// What became of each number of the old report.
    public init(from old: ComparisonReport, to new: ComparisonReport) {
        reference = old.reference
        candidate = old.candidate
        outputs = Self.rows(old.outputs, new.outputs, \.reference)
        layers = old.layers.isEmpty || new.layers.isEmpty ? [] : Self.rows(old.layers, new.layers, \.origin)
        top1Before = old.classification?.candidateTop1
        top1After = new.classification?.candidateTop1
    }

    private static func rows(
        _ old: [LayerComparison], _ new: [LayerComparison], _ name: (LayerComparison) -> String
    ) -> [Row] {
        let before = Dictionary(old.map { (name($0), $0.sqnr) }) { first, _ in first }
        let now = Set(new.map(name))
        return new.map { Row(name: name($0), before: before[name($0)], after: $0.sqnr) }
            + old.filter { !now.contains(name($0)) }.map { Row(name: name($0), before: $0.sqnr, after: nil) }
    }
}
