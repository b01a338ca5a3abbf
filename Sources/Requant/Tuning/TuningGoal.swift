/// How close to the float model a tuned model has to come.
public struct TuningGoal: Sendable, Equatable, Codable {
    /// Top-1 may be lower by this share of the samples, in 0…1.
    public var maximumDrop: Double?
    /// No output may have a lower SQNR, in dB.
    public var minimumSQNR: Double?

    /// Goals that are nil are none.
    public init(maximumDrop: Double? = nil, minimumSQNR: Double? = nil) {
        self.maximumDrop = maximumDrop
        self.minimumSQNR = minimumSQNR
    }

    /// Negated comparisons, so that a measure that is NaN does not meet a goal.
    func isMet(by trial: TuningTrial, referenceTop1: Double?) -> Bool {
        if let minimumSQNR, !(trial.sqnr >= minimumSQNR) { return false }
        guard let maximumDrop else { return true }
        guard let referenceTop1, let top1 = trial.top1 else { return false }
        // Shares are fractions of whole samples: rounding must not decide.
        return referenceTop1 - top1 <= maximumDrop + 1e-9
    }
}
