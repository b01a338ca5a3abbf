import OrderedCollections
import TensorCore

/// Names a node of one graph.
public struct NodeID: Hashable, Sendable, Comparable {
    public let index: Int
    public init(index: Int) { self.index = index }
    public static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
}

/// What a node is by itself, in a graph or not yet.
public protocol NodeDescription {
    var name: String { get }
    var op: String { get }
    var attributes: Attributes { get }
    var inputs: [ValueID?] { get }
    var bodies: [Graph] { get }
}

extension NodeDraft: NodeDescription {}

/// One operation.
public struct Node: Sendable, NodeDescription {
    public let id: NodeID
    /// Unique among the nodes of a graph.
    public var name: String
    /// A name from the operator table, or what the file says if the table lacks it.
    public var op: String
    public var attributes: Attributes
    /// Nil where an optional input is left out.
    public internal(set) var inputs: [ValueID?]
    public internal(set) var outputs: [ValueID]
    /// What a fused node swallowed, or what a control-flow node repeats.
    public var bodies: [Graph]
    /// The nodes of the file that this one stands for, in the order in which they compute; the last one's output is
    /// this node's output. Stages are aligned through them.
    public var origins: [String]

    /// The origin whose output this node's output is.
    public var origin: String { origins.last ?? name }
}

/// A node that is not part of a graph yet.
public struct NodeDraft: Sendable {
    public var name: String
    public var op: String
    public var attributes: Attributes
    public var inputs: [ValueID?]
    public var bodies: [Graph]
    public var origins: [String]
    /// The names of the values that it computes.
    public var outputNames: [String]

    public init(
        name: String, op: String, attributes: Attributes = [:], inputs: [ValueID?], bodies: [Graph] = [],
        origins: [String]? = nil, outputNames: [String]? = nil
    ) {
        self.name = name
        self.op = op
        self.attributes = attributes
        self.inputs = inputs
        self.bodies = bodies
        self.origins = origins ?? [name]
        self.outputNames = outputNames ?? [name + "_output"]
    }
}
