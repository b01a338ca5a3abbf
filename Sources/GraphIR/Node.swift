import OrderedCollections
import TensorCore

/// Names a node of one graph.
public struct NodeID: Hashable, Sendable, Comparable {
    /// Counts from 0 in the order in which nodes were added; never given out twice.
    public let index: Int
    /// For graphs; whoever else makes one up names a node that is not there.
    public init(index: Int) { self.index = index }
    /// In the order in which nodes were added.
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
    /// Where the node is in its graph.
    public let id: NodeID
    /// Unique among the nodes of a graph.
    public var name: String
    /// A name from the operator table, or what the file says if the table lacks it.
    public var op: String
    /// The operator's parameters, by the names of its definition.
    public var attributes: Attributes
    /// Nil where an optional input is left out.
    public internal(set) var inputs: [ValueID?]
    /// What it computes, in the order of its operator.
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
    /// Unique in its graph.
    public var name: String
    /// The operator's name in `OperatorTable`, or the file's if it is not known there.
    public var op: String
    /// The operator's parameters, by the names of its definition.
    public var attributes: Attributes
    /// In the order of the operator; nil for one that is left out.
    public var inputs: [ValueID?]
    /// The graphs inside: what a fused layer swallowed, the branches of control flow.
    public var bodies: [Graph]
    /// The nodes of the file that it stems from.
    public var origins: [String]
    /// The names of the values that it computes.
    public var outputNames: [String]

    /// A node that is to be added to a graph.
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
