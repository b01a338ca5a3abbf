/// What was measured of one pair of values: a row of a report.
public struct LayerComparison: Sendable, Equatable, Codable {
    /// The names of the two values, and the node of the file that both stem from.
    public var reference: String
    public var candidate: String
    public var origin: String
    public var elements: Int
    /// In the units of the values.
    public var maximumDifference: Double
    public var meanDifference: Double
    /// In dB; infinite if nothing differs.
    public var sqnr: Double
    public var cosine: Double
    /// In 0…1.
    public var differingShare: Double
    /// Elements that are NaN or infinite on one side only.
    public var nonFinite: Int
    /// Only where both are codes on the same grid.
    public var codes: Codes?
    /// The element types of the two values: `float32`, `uint8`.
    public var referenceType: String?
    public var candidateType: String?
    /// What this layer of the candidate makes of the reference's values, while all above is what has gathered up to it.
    public var local: ErrorSummary?
    /// In steps of the candidate's grid, or else of the reference's; nil if neither has one.
    public var steps: StepHistogram?
    /// Only where the candidate is codes.
    public var saturation: Saturation?
    /// Only where there are channels.
    public var channels: DeadChannels?

    public struct Codes: Sendable, Equatable, Codable {
        /// In 0…1.
        public var differingShare: Double
        /// In steps of the grid.
        public var largestStep: Int

        public init(_ metrics: CodeMetrics) {
            differingShare = metrics.differingShare
            largestStep = metrics.largestStep
        }
    }

    public init(_ pair: LayerAlignment.Pair, _ metrics: TensorMetrics, codes: CodeMetrics? = nil) {
        reference = pair.reference
        candidate = pair.candidate
        origin = pair.origin
        elements = metrics.elementCount
        maximumDifference = metrics.maximumDifference
        meanDifference = metrics.meanDifference
        sqnr = metrics.sqnr
        cosine = metrics.cosine
        differingShare = metrics.differingShare
        nonFinite = metrics.nonFiniteCount
        self.codes = codes.map(Codes.init)
    }
}
