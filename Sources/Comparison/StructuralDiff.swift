/// A model as a structural comparison sees it: its nodes in the order of computation.
public struct ModelOutline: Sendable {
    /// A node, as far as it matters here.
    public struct Node: Sendable {
        /// Unique in its graph.
        public var name: String
        /// Its operator.
        public var op: String
        /// The nodes of the file that it stands for; the last one's output is its own.
        public var origins: [String]
        /// As text, by name.
        public var attributes: [String: String]
        /// The type of its first result: `uint8 1×8×28×28 [0, 4.658554]`; empty if it is not known.
        public var result: String
        /// By name of the operand that they are.
        public var parameters: [String: String]

        public init(
            name: String, op: String, origins: [String], attributes: [String: String] = [:], result: String = "",
            parameters: [String: String] = [:]
        ) {
            self.name = name
            self.op = op
            self.origins = origins
            self.attributes = attributes
            self.result = result
            self.parameters = parameters
        }

        var origin: String { origins.last ?? name }
    }

    /// In the order of computation.
    public var nodes: [Node]

    /// A graph by its nodes.
    public init(nodes: [Node]) { self.nodes = nodes }
}

/// How the graphs of two models differ, without any data.
///
/// Nodes are the same where their origins end in the same node of the file. Of several nodes with one origin, such as a
/// layer and the quantize behind it, the one of the same operator is, or else the first; the others were added.
public struct StructuralDiff: Sendable, Equatable, Codable {
    /// A node that only one model has.
    public struct Item: Sendable, Equatable, Codable {
        /// Its name.
        public var name: String
        /// Its operator.
        public var op: String
        /// The node of the float model that it stems from.
        public var origin: String
    }

    /// Several nodes of one model that are one in the other.
    public struct Fusion: Sendable, Equatable, Codable {
        /// The name of the layer.
        public var name: String
        /// The operator of the layer.
        public var op: String
        /// The names of the nodes that it stands for.
        public var parts: [String]
    }

    /// Something of a node that is otherwise in the candidate.
    public struct Change: Sendable, Equatable, Codable {
        /// The node of the float model that both stem from.
        public var origin: String
        /// The name in the reference.
        public var reference: String
        /// The name in the candidate.
        public var candidate: String
        /// The name of an attribute or of a parameter, `operator`, or `result`.
        public var what: String
        /// Nil where there is none.
        public var before: String?
        /// In the candidate; nil if it has none.
        public var after: String?
    }

    /// How many the reference has.
    public var referenceNodes: Int
    /// How many the candidate has.
    public var candidateNodes: Int
    /// Nodes that have no part in the other model.
    public var removed: [Item]
    /// Nodes that only the candidate has.
    public var added: [Item]
    /// Nodes of the candidate that stand for several of the reference, and the other way round.
    public var fused: [Fusion]
    /// Layers of the reference that are several nodes in the candidate.
    public var unfused: [Fusion]
    /// Attributes that differ.
    public var attributes: [Change]
    /// Attributes and results that say which values codes cover.
    public var ranges: [Change]
    /// Parameters whose type or shape differs.
    public var parameters: [Change]

    /// Whether the graphs are the same.
    public var isEmpty: Bool {
        removed.isEmpty && added.isEmpty && fused.isEmpty && unfused.isEmpty && attributes.isEmpty && ranges.isEmpty
            && parameters.isEmpty
    }
}
