import Foundation
import TensorCore

/// Everything that a comparison of two models found; `Schemas/diff.schema.json` describes its JSON.
public struct ComparisonReport: Sendable, Equatable, Codable {
    /// What the two models are called, usually their files.
    public var reference: String
    /// What the model that is compared is called.
    public var candidate: String
    /// Rows of data that were run.
    public var samples: Int
    /// The outputs of the models.
    public var outputs: [LayerComparison]
    /// Layer by layer, in the order of computation; empty if only outputs were compared.
    public var layers: [LayerComparison]
    /// Values of the reference that have no counterpart.
    public var unmatchedReference: [LayerAlignment.Unmatched]
    /// Values of the candidate that have no counterpart.
    public var unmatchedCandidate: [LayerAlignment.Unmatched]
    /// Only where the outputs are logits.
    public var classification: Classification?
    /// Where the models part; nil if nobody asked, or nowhere.
    public var firstDivergence: FirstDivergence?
    /// The origin of the layer with the lowest SQNR; nil if no layer differs.
    public var worstLayer: String?
    /// The samples with the lowest SQNR, the worst first.
    public var worstSamples: [SampleComparison] = []
    /// The weights of aligned layers, if that was asked for.
    public var weights: [WeightComparison]?
    /// How the graphs differ, if that was asked for.
    public var structure: StructuralDiff?
    /// What has changed since another comparison, if one was given.
    public var change: ReportChange?

    /// What the models say of images.
    public struct Classification: Sendable, Equatable, Codable {
        /// How many there were.
        public var images: Int
        /// In 0…1; nil where no image has a label.
        public var referenceTop1: Double?
        /// The share that the candidate classifies correctly, in 0…1; nil without labels.
        public var candidateTop1: Double?
        /// The share of images that both put into the same class.
        public var agreement: Double
        /// Classes that occur, in order.
        public var classes: [ClassComparison]
        /// Where the two models part, the most frequent first.
        public var disagreements: [Disagreement]

        /// Nil if there is no image.
        public init?(_ metrics: ClassificationMetrics) {
            guard let agreement = metrics.agreement else { return nil }
            images = metrics.imageCount
            referenceTop1 = metrics.referenceTop1
            candidateTop1 = metrics.candidateTop1
            self.agreement = agreement
            classes = metrics.classes
            disagreements = metrics.disagreements
        }
    }

    public init(
        reference: String, candidate: String, samples: Int, outputs: [LayerComparison], layers: [LayerComparison] = [],
        alignment: LayerAlignment? = nil, classification: ClassificationMetrics? = nil,
        firstDivergence criterion: FirstDivergence.Criterion? = nil
    ) {
        self.reference = reference
        self.candidate = candidate
        self.samples = samples
        self.outputs = outputs
        self.layers = layers
        unmatchedReference = alignment?.unmatchedReference ?? []
        unmatchedCandidate = alignment?.unmatchedCandidate ?? []
        self.classification = classification.flatMap(Classification.init)
        firstDivergence = criterion.flatMap { FirstDivergence.find(in: layers, $0) }
        worstLayer = layers.min { $0.sqnr < $1.sqnr }.flatMap { $0.sqnr == .infinity ? nil : $0.origin }
    }

    // MARK: JSON

    /// JSON has no infinity; these texts stand for what it lacks.
    private static let positiveInfinity = "inf", negativeInfinity = "-inf", notANumber = "nan"

    /// As `Schemas/diff.schema.json` describes it.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: Self.positiveInfinity, negativeInfinity: Self.negativeInfinity, nan: Self.notANumber)
        return try encoder.encode(self)
    }

    /// Reads a file that `diff --save` wrote.
    /// - Throws: `ModelError` that says what is wrong with it.
    public init(reading path: String) throws {
        let storage = try TensorStorage(mapping: path)
        let json = withExtendedLifetime(storage) { Data(storage.bytes) }
        do { try self.init(json: json) } catch let error as DecodingError {
            throw ModelError(
                "is no saved comparison: \(Self.description(of: error))", at: path,
                advice: "'requant diff A B --data DATA --save FILE' writes one")
        }
    }

    private static func description(of error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(place(context)) has no '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(place(context)) is of another kind than expected"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "it is no JSON" : "\(place(context)) cannot be read"
        @unknown default: "it cannot be read"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        return path.isEmpty ? "the file" : "'\(path.joined(separator: "."))'"
    }

    /// Writes the report as JSON.
    /// - Throws: `ModelError` if the file cannot be written.
    public func save(to path: String) throws {
        try FileOutput.write(String(decoding: try json(), as: UTF8.self) + "\n", to: path)
    }

    /// Reads what `json()` made.
    /// - Throws: `ModelError` if it is something else.
    public init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: Self.positiveInfinity, negativeInfinity: Self.negativeInfinity, nan: Self.notANumber)
        self = try decoder.decode(ComparisonReport.self, from: json)
    }
}
