/// What `TensorMetrics` found, as reports keep it.
public struct ErrorSummary: Sendable, Equatable, Codable {
    /// In the units of the values.
    public var maximumDifference: Double
    /// The mean of the magnitudes of the differences, in real units.
    public var meanDifference: Double
    /// In dB; infinite if nothing differs.
    public var sqnr: Double
    /// In −1…1.
    public var cosine: Double

    /// The numbers of a comparison.
    public init(_ metrics: TensorMetrics) {
        maximumDifference = metrics.maximumDifference
        meanDifference = metrics.meanDifference
        sqnr = metrics.sqnr
        cosine = metrics.cosine
    }
}
