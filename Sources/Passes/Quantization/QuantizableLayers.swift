import GraphIR
import Operators

/// Which nodes of a float graph cost accuracy when they are quantized.
public enum QuantizableLayers {
    /// The nodes whose int8 twins compute on a grid of their own, in the order of computation. Nodes that only pass codes
    /// on, such as a pooling, lose nothing.
    /// - Throws: `ModelError` for an exclusion that matches nothing.
    public static func nodes(
        in graph: Graph, _ options: QuantizationOptions, table: OperatorTable = .standard
    ) throws -> [Node] {
        let plan = try QuantizationPlan(graph, options, table: table)
        return graph.topologicalOrder().filter { plan.twins[$0].map { $0.result.hasOwnGrid } ?? false }.map {
            graph[$0]
        }
    }
}

extension QuantizedTwin.Result {
    fileprivate var hasOwnGrid: Bool { if case .codes = self { false } else { true } }
}
