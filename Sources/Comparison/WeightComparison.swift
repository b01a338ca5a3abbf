import TensorCore

/// The weights of one layer in both models, as the layer computes with them (a BatchNorm folded in, codes as the values
/// that they stand for), channel by channel along axis 0: the filters.
public struct WeightComparison: Sendable, Equatable, Codable {
    /// The weights of one output channel.
    public struct Channel: Sendable, Equatable, Codable {
        /// The number of the channel.
        public var index: Int
        /// In dB; infinite if nothing differs.
        public var sqnr: Double
        /// The extremes of the reference and of the candidate.
        public var referenceRange: [Double]
        /// Minimum and maximum of the candidate, in real units.
        public var candidateRange: [Double]
        /// Real units per code of the candidate; nil if it is float.
        public var step: Double?
    }

    /// The node of the file that the layer's result stems from.
    public var origin: String
    /// The names of the two layers.
    public var reference: String
    /// The name in the candidate.
    public var candidate: String
    /// Over all channels.
    public var error: ErrorSummary
    /// All of them, in order.
    public var channels: [Channel]

    /// - Parameters:
    ///   - origin: the parameter of the float model.
    ///   - names: what both models call it.
    ///   - reference: its real values; the first axis are the channels.
    ///   - candidate: the real values of the other, of the same shape.
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
