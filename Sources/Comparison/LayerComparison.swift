/// What was measured of one pair of values: a row of a report.
public struct LayerComparison: Sendable, Equatable, Codable {
    /// The names of the two values, and the node of the file that both stem from.
    public var reference: String
    /// The name of the value in the candidate.
    public var candidate: String
    /// The node of the float model that both stem from.
    public var origin: String
    /// How many were compared.
    public var elements: Int
    /// In the units of the values.
    public var maximumDifference: Double
    /// The mean of the magnitudes of the differences, in real units.
    public var meanDifference: Double
    /// In dB; infinite if nothing differs.
    public var sqnr: Double
    /// Of the angle between both, as vectors.
    public var cosine: Double
    /// In 0…1.
    public var differingShare: Double
    /// Elements that are NaN or infinite on one side only.
    public var nonFinite: Int
    /// Only where both are codes on the same grid.
    public var codes: Codes?
    /// The element types of the two values: `float32`, `uint8`.
    public var referenceType: String?
    /// The type of the candidate as it is stored: `uint8`.
    public var candidateType: String?
    /// What this layer of the candidate makes of the reference's values, while all above is what has gathered up to it.
    public var local: ErrorSummary?
    /// In steps of the candidate's grid, or else of the reference's; nil if neither has one.
    public var steps: StepHistogram?
    /// Only where the candidate is codes.
    public var saturation: Saturation?
    /// Only where there are channels.
    public var channels: DeadChannels?

    /// How far codes on one grid are apart.
    public struct Codes: Sendable, Equatable, Codable {
        /// In 0…1.
        public var differingShare: Double
        /// In steps of the grid.
        public var largestStep: Int

        /// The numbers of a comparison of codes.
        public init(_ metrics: CodeMetrics) {
            differingShare = metrics.differingShare
            largestStep = metrics.largestStep
        }
    }

    /// The numbers of a comparison.
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
