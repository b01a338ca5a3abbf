import GraphIR
import Passes

/// A layer that may stay in float.
struct TuningLayer {
    /// What excludes it: the name of a node of the user's own file where that is this layer's alone.
    var name: String
    /// The names of the nodes of the file that it stands for.
    var origins: [String]
    /// The value that it makes.
    var result: String
}

/// The layers of a fused graph.
struct TuningLayers {
    let layers: [TuningLayer]
    /// The names of the values that they and their followers read and make, as calibration calls them.
    let values: Set<String>
    private let quantizable: QuantizableLayers
    private let names: [NodeID: String]

    init(of graph: Graph, _ options: QuantizationOptions) throws {
        quantizable = try QuantizableLayers(of: graph, options)
        let users = Dictionary(grouping: graph.nodes.flatMap { node in node.origins.map { ($0, node.name) } }) { $0.0 }
        let nodes = quantizable.layers + quantizable.followers
        let names = Dictionary(
            uniqueKeysWithValues: nodes.map { node in
                (node.id, node.origins.first { users[$0]?.count == 1 } ?? node.name)
            })
        layers = quantizable.layers.map { node in
            TuningLayer(
                name: names[node.id] ?? node.name, origins: node.origins,
                result: node.outputs.first.map { graph[$0].name } ?? node.name)
        }
        let data = nodes.flatMap { $0.inputs.compactMap { $0 } + $0.outputs }.map { graph[$0] }
        values = Set(data.filter { $0.tensor == nil }.map(\.name))
        self.names = names
    }

    /// The names with those of the nodes that follow them into float.
    func withFollowers(_ excluded: [String]) -> [String] {
        let given = Set(excluded)
        let nodes = quantizable.layers.filter { names[$0.id].map(given.contains) ?? false }
        return excluded + quantizable.followers(of: Set(nodes.map(\.id))).compactMap { names[$0.id] }
    }
}
