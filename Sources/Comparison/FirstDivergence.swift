/// The layer at which two models part, seen in the order of computation.
public struct FirstDivergence: Sendable, Equatable, Codable {
    /// What counts as parting.
    public enum Criterion: Sendable, Equatable {
        /// The first layer whose SQNR is below so many dB.
        case sqnr(below: Double)
        /// The first layer whose maximum difference exceeds so many units.
        case difference(above: Double)
        /// The layer that loses the most dB against the worst layer before it. Layers before anything differs do not
        /// count: the step from nothing to something is no loss that can be measured.
        case largestDrop
    }

    /// Its place among the layers.
    public var index: Int
    /// The node of the float model.
    public var origin: String
    /// The name of the value in the reference.
    public var reference: String
    /// The name of the value in the candidate.
    public var candidate: String
    /// A sentence: what was measured there.
    public var reason: String

    /// - Returns: nil if no layer meets the criterion.
    public static func find(in layers: [LayerComparison], _ criterion: Criterion) -> FirstDivergence? {
        switch criterion {
        // Negated, so that a limit or a measure that is NaN is noticed.
        case .sqnr(let limit):
            layers.firstIndex { !($0.sqnr >= limit) }.map { index in
                FirstDivergence(
                    index, layers, "SQNR is \(decibels(layers[index].sqnr)), below \(decibels(limit))")
            }
        case .difference(let limit):
            layers.firstIndex { !($0.maximumDifference <= limit) }.map { index in
                let difference = significant(layers[index].maximumDifference)
                return FirstDivergence(
                    index, layers, "the largest difference is \(difference), above \(significant(limit))")
            }
        case .largestDrop: largestDrop(in: layers)
        }
    }

    private static func largestDrop(in layers: [LayerComparison]) -> FirstDivergence? {
        var worst = Double.infinity
        var largest: (index: Int, from: Double, drop: Double)?
        for (index, layer) in layers.enumerated() {
            if worst.isFinite, worst - layer.sqnr > largest?.drop ?? 0 {
                largest = (index, worst, worst - layer.sqnr)
            }
            worst = min(worst, layer.sqnr)
        }
        return largest.map { index, from, _ in
            FirstDivergence(
                index, layers, "SQNR falls from \(decibels(from)) to \(decibels(layers[index].sqnr))")
        }
    }

    private init(_ index: Int, _ layers: [LayerComparison], _ reason: String) {
        self.index = index
        origin = layers[index].origin
        reference = layers[index].reference
        candidate = layers[index].candidate
        self.reason = reason
    }
}
