import GraphIR
import Operators
import TensorCore

/// One small, named change to a graph.
public protocol Pass: Sendable {
    /// `<VerbObject>`: `FuseConvolution`.
    var name: String { get }
    /// One line for 'requant pipelines'.
    var summary: String { get }
    /// Looks at the graph of `context` and applies patches to it.
    func run(_ context: inout PassContext) throws
}

/// What a pass did, or why it did not: the answer to "why is this layer still float?".
public struct PassRecord: Sendable, Equatable {
    /// Whether something was done.
    public enum Outcome: Sendable, Equatable { case applied, refused }

    /// The name of the pass.
    public let pass: String
    /// Whether something was done.
    public let outcome: Outcome
    /// The node that it is about.
    public let node: String
    /// What became of it, or why nothing did.
    public let explanation: String
}

/// The graph that a pass works on. Every patch is verified as soon as it is applied, and everything is written down.
public struct PassContext {
    /// As the patches so far have made it.
    public private(set) var graph: Graph
    /// What was done, and what was not.
    public private(set) var records: [PassRecord] = []
    private let pass: String
    /// Patches that may still be applied; nil for as many as it takes.
    private var budget: Int?
    /// The nodes that patches have added or changed since types were found; nil before that.
    private var changed: [NodeID]?

    init(graph: Graph, pass: String, budget: Int?) {
        self.graph = graph
        self.pass = pass
        self.budget = budget
    }

    /// Applies a patch that was begun on the present graph.
    /// - Returns: False if the runner was told to stop before this one; the graph is then as it was.
    /// - Throws: `ModelError` that names the pass, the node and the invariant if the graph is no longer sound.
    @discardableResult
    public mutating func apply(_ patch: GraphPatch, to node: String) throws -> Bool {
        if budget == 0 { return false }
        budget = budget.map { $0 - 1 }
        let touched = graph.apply(patch)
        changed?.append(contentsOf: touched)
        try locating("after pass \(pass)") { try Verifier.verify(graph, touched: touched) }
        records.append(PassRecord(pass: pass, outcome: .applied, node: node, explanation: patch.summary))
        return true
    }

    /// Writes down that nothing is done to a node, and why.
    public mutating func refuse(_ node: String, because reason: String) {
        records.append(PassRecord(pass: pass, outcome: .refused, node: node, explanation: reason))
    }

    /// Finds the types of the values, for passes that ask for them: of all the first time, then of what patches have
    /// changed since.
    public mutating func annotate(_ inference: TypeInference = TypeInference()) throws {
        if let changed { try inference.annotate(&graph, changed: changed) } else { try inference.annotate(&graph) }
        changed = []
    }

    var remainingBudget: Int? { budget }
}
