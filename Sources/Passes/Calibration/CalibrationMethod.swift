/// How ranges are found (MXNet's calib_mode, and what it lacks).
public enum CalibrationMethod: String, Sendable, CaseIterable {
    /// Not at all: each run finds them.
    case none
    /// The extremes of the data.
    case naive
    /// The threshold that loses least information.
    case entropy
    /// The threshold below which a share of all values is.
    case percentile
    /// The threshold of the smallest mean squared error.
    case mse
    /// For each value the one of these with the smallest error.
    case best

    /// Whether extremes are all that has to be kept of the data.
    public var needsHistograms: Bool { self != .none && self != .naive }
}
