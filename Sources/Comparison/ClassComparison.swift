/// How two models treat the samples of one class.
public struct ClassComparison: Sendable, Equatable, Codable {
    /// The number of the class.
    public var index: Int
    /// Samples that the reference puts into it, and how many of them the candidate does, too.
    public var images: Int
    /// Images of it that both models put into one class.
    public var agreeing: Int
    /// Samples with this label, and how many of them each model finds; nil without labels.
    public var labelled: Int?
    /// How many the reference classifies correctly; nil without labels.
    public var referenceCorrect: Int?
    /// How many the candidate classifies correctly; nil without labels.
    public var candidateCorrect: Int?

    /// In 0…1; nil if the reference puts nothing into the class.
    public var agreement: Double? { images == 0 ? nil : Double(agreeing) / Double(images) }
}

/// Samples that the reference puts into one class and the candidate into another.
public struct Disagreement: Sendable, Equatable, Codable {
    /// Nil if all logits are NaN.
    public var reference: Int?
    /// The class that the candidate says.
    public var candidate: Int?
    /// How many there are of it.
    public var images: Int
}
