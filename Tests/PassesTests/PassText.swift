import GraphIR
import Passes
import TensorCore
import Testing

/// What passes make of the text of a graph: IR in, IR out.
struct PassText {
    let graph: Graph
    let records: [PassRecord]

    /// - Parameter statements: those of the graph, as `GraphParser` reads them.
    init(_ statements: String, _ passes: any Pass...) throws {
        try self.init(graph: Self.parse(statements), passes)
    }

    init(graph: Graph, _ passes: [any Pass], patchLimit: Int? = nil) throws {
        (self.graph, records) = try PipelineRunner(patchLimit: patchLimit).run(
            Pipeline(name: "test", summary: "", passes: passes), on: graph)
    }

    static func parse(_ statements: String) throws -> Graph { try GraphParser.parse("graph {\n\(statements)\n}") }

    /// The graph as text, without the types that inference found, so that a test states only what it is about.
    var text: String { Self.text(of: graph) }

    static func text(of graph: Graph) -> String {
        var graph = graph
        for value in Array(graph.values) where value.producer != nil { graph.setType(nil, of: value.id) }
        return GraphPrinter.text(of: graph)
    }

    /// `statements` as the printer would write them.
    static func normalized(_ statements: String) throws -> String { text(of: try parse(statements)) }

    /// The nodes, in the order of computation.
    var nodes: [Node] { graph.topologicalOrder().map { graph[$0] } }
    var names: [String] { nodes.map(\.name) }

    /// What was said of a node when something was refused.
    func refusals(of node: String) -> [String] {
        records.filter { $0.node == node && $0.outcome == .refused }.map(\.explanation)
    }

    func attribute(_ name: String, of node: String) -> String? { graph.node(named: node)?.attributes.text(name) }
}
