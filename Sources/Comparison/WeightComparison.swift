import TensorCore

/// The weights of one layer in both models, as the layer computes with them (a BatchNorm folded in, codes as the values
/// that they stand for), channel by channel along axis 0: the filters.
public struct WeightComparison: Sendable, Equatable, Codable {
    public struct Channel: Sendable, Equatable, Codable {
        public var index: Int
        /// In dB; infinite if nothing differs.
        public var sqnr: Double
        /// The extremes of the reference and of the candidate.
        public var referenceRange: [Double]
        public var candidateRange: [Double]
        /// Real units per code of the candidate; nil if it is float.
        public var step: Double?
    }

    /// The node of the file that the layer's result stems from.
    public var origin: String
    /// The names of the two layers.
    public var reference: String
    public var candidate: String
    /// Over all channels.
    public var error: ErrorSummary
    public var channels: [Channel]

    /// - Parameters:
    ///   - steps: real units per code of the candidate, one or one a channel; empty if it is float.
    /// - Throws: `ModelError` if the shapes differ.
    public init(
        origin: String, names: (reference: String, candidate: String), reference: Tensor, candidate: Tensor,
        steps: [Float] = []
    ) throws {
        var whole = TensorMetrics()
        try whole.add(reference: reference, candidate: candidate)
        self.origin = origin
        (self.reference, self.candidate) = names
        error = ErrorSummary(whole)
        channels = try (0..<(reference.shape.dimensions.first ?? 0)).map { index in
            let (a, b) = (reference.rows(index..<index + 1), candidate.rows(index..<index + 1))
            var metrics = TensorMetrics()
            try metrics.add(reference: a, candidate: b)
            let step = steps.count == 1 ? steps[0] : steps.indices.contains(index) ? steps[index] : nil
            return Channel(
                index: index, sqnr: metrics.sqnr, referenceRange: Self.range(a), candidateRange: Self.range(b),
                step: step.map(Double.init))
        }
    }

    private static func range(_ tensor: Tensor) -> [Double] {
        let values = tensor.floats()
        return [values.min(), values.max()].map { Double($0 ?? 0) }
    }

    /// The channels with the lowest SQNR first.
    public var worstChannels: [Channel] { channels.sorted { ($0.sqnr, $0.index) < ($1.sqnr, $1.index) } }
}
