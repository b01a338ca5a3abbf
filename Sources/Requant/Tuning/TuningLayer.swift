import GraphIR
import Passes

/// A layer that may stay in float.
struct TuningLayer {
    /// What excludes it: the name of a node of the user's own file where that is this layer's alone.
    var name: String
    /// The names of the nodes of the file that it stands for.
    var origins: [String]
    /// The names of the values that it reads and makes, as calibration calls them.
    var values: [String]
    /// The value that it makes.
    var result: String

    /// The layers of a fused graph.
    static func layers(of graph: Graph, _ options: QuantizationOptions) throws -> [TuningLayer] {
        let users = Dictionary(grouping: graph.nodes.flatMap { node in node.origins.map { ($0, node.name) } }) { $0.0 }
        return try QuantizableLayers.nodes(in: graph, options).map { node in
            let own = node.origins.first { users[$0]?.count == 1 }
            let inputs = node.inputs.compactMap { $0 }.map { graph[$0] }.filter { $0.tensor == nil }
            let outputs = node.outputs.map { graph[$0] }
            return TuningLayer(
                name: own ?? node.name, origins: node.origins, values: (inputs + outputs).map(\.name),
                result: outputs.first?.name ?? node.name)
        }
    }
}
