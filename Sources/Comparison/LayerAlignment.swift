/// Pairs the values of two models that stem from the same node of the file that both were made from.
///
/// A value's origin is the node whose output it is; a fused node's output is that of the last node that it swallowed.
/// Values pair where their origins are equal. Where an origin has several values on one side, because the node has
/// several outputs or quantization put nodes behind it, they pair from the last backwards: the last is the most
/// finished.
public struct LayerAlignment: Sendable {
    /// A value as alignment sees it.
    public struct Layer: Sendable, Hashable {
        /// The name of the value.
        public var value: String
        /// The node of the file whose output the value is.
        public var origin: String
        /// All nodes of the file that were computed together to get it.
        public var origins: [String]

        /// By default a value stems from `origin` alone.
        public init(value: String, origin: String, origins: [String]? = nil) {
            self.value = value
            self.origin = origin
            self.origins = origins ?? [origin]
        }
    }

    /// Two values that mean the same.
    public struct Pair: Sendable, Hashable, Codable {
        /// The names of the two values.
        public var reference: String
        /// The name of the value in the candidate.
        public var candidate: String
        /// The node of the float model that both stem from.
        public var origin: String

        /// Two values that mean the same.
        public init(reference: String, candidate: String, origin: String) {
            self.reference = reference
            self.candidate = candidate
            self.origin = origin
        }
    }

    /// A value that has no counterpart.
    public struct Unmatched: Sendable, Hashable, Codable {
        /// The name of the value.
        public var value: String
        /// The node of the float model that it stems from.
        public var origin: String
        /// The value of the other model whose fused node swallowed the origin, if one did.
        public var inside: String?
    }

    /// In the order of the reference.
    public let pairs: [Pair]
    /// Values of the reference that have no counterpart.
    public let unmatchedReference: [Unmatched]
    /// Values of the candidate that have no counterpart.
    public let unmatchedCandidate: [Unmatched]

    /// Both in topological order.
    public init(reference: [Layer], candidate: [Layer]) {
        let partners = Self.partners(reference, candidate)
        pairs = reference.indices.compactMap { index in
            partners[index].map { partner in
                Pair(
                    reference: reference[index].value, candidate: candidate[partner].value,
                    origin: reference[index].origin)
            }
        }
        unmatchedReference = Self.unmatched(reference, taken: { partners[$0] != nil }, other: candidate)
        let taken = Set(partners.compactMap { $0 })
        unmatchedCandidate = Self.unmatched(candidate, taken: taken.contains, other: reference)
    }

    /// For each layer of the reference, the index of its partner.
    private static func partners(_ reference: [Layer], _ candidate: [Layer]) -> [Int?] {
        var waiting = Dictionary(grouping: candidate.indices) { candidate[$0].origin }
        var partners = [Int?](repeating: nil, count: reference.count)
        for index in reference.indices.reversed() {
            partners[index] = waiting[reference[index].origin]?.popLast()
        }
        return partners
    }

    private static func unmatched(_ layers: [Layer], taken: (Int) -> Bool, other: [Layer]) -> [Unmatched] {
        var swallowers: [String: String] = [:]
        for layer in other {
            for origin in layer.origins where origin != layer.origin { swallowers[origin] = layer.value }
        }
        return layers.indices.filter { !taken($0) }.map { index in
            let layer = layers[index]
            return Unmatched(value: layer.value, origin: layer.origin, inside: swallowers[layer.origin])
        }
    }
}
