import GraphIR
import TensorCore

/// Passes in the order in which they run.
public struct Pipeline: Sendable {
    public let name: String
    public let summary: String
    /// In the order in which they run.
    public let passes: [any Pass]

    /// A list of passes.
    public init(name: String, summary: String, passes: [any Pass]) {
        self.name = name
        self.summary = summary
        self.passes = passes
    }
}

/// Runs a pipeline; checks the whole graph before it, after every pass, and what a patch touched after every patch.
public struct PipelineRunner: Sendable {
    /// Stop after so many patches, to find the one that did the damage.
    public var patchLimit: Int?

    /// Stops after so many patches, to find the one that is wrong; nil for none.
    public init(patchLimit: Int? = nil) { self.patchLimit = patchLimit }

    /// - Throws: `ModelError` from a pass or from the verifier.
    public func run(_ pipeline: Pipeline, on graph: Graph) throws -> (graph: Graph, records: [PassRecord]) {
        try Verifier.verify(graph)
        var graph = graph
        var records: [PassRecord] = []
        var budget = patchLimit
        for pass in pipeline.passes {
            var context = PassContext(graph: graph, pass: pass.name, budget: budget)
            try pass.run(&context)
            try locating("after pass \(pass.name)") { try Verifier.verify(context.graph) }
            graph = context.graph
            records += context.records
            budget = context.remainingBudget
        }
        return (graph, records)
    }
}
