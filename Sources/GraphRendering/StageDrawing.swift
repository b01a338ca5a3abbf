import GraphIR
import OrderedCollections
import TensorCore

/// One stage of a model on its way from floating point to codes.
public struct Stage: Sendable {
    /// Above its frame.
    public var title: String
    /// Where it came from, such as its file; may be empty.
    public var subtitle: String
    /// The model at that stage.
    public var graph: Graph

    /// - Parameters:
    ///   - graph: the model at that stage.
    ///   - subtitle: where it came from, such as its file.
    ///   - title: what the stage is called; by default what its nodes say that it is.
    public init(_ graph: Graph, title: String? = nil, subtitle: String = "") {
        self.graph = graph
        self.title = title ?? Self.title(of: graph)
        self.subtitle = subtitle
    }

    /// `float`, `fused`, `quantized`, `calibrated` or `post-fused`.
    ///
    /// Calibration writes ranges into the nodes that make codes; a layer that has one itself has swallowed its
    /// requantizing node.
    static func title(of graph: Graph) -> String {
        let nodes = graph.nodes.map { (category: Operation.category(of: $0), node: $0) }
        guard nodes.contains(where: { $0.category == .quantizing }) else {
            return nodes.contains { $0.category == .fused } ? "fused" : "float"
        }
        let calibrated = nodes.filter { ValueLabel.calibratedRange(of: $0.node) != nil }
        if calibrated.contains(where: { $0.category == .fused }) { return "post-fused" }
        let isQDQ = nodes.contains { $0.node.op == "QuantizeLinear" }
        return isQDQ || !calibrated.isEmpty ? "calibrated" : "quantized"
    }
}

extension GraphDrawing {
    /// Draws stages of a model side by side, from left to right, with their tops in one row
    /// and every layer beside its counterparts.
    ///
    /// - Parameters:
    ///   - stages: from left to right.
    ///   - options: what the boxes show.
    ///   - block: a residual block, or a node in one, of any of the stages; the same block is drawn of each.
    ///     Nil draws the whole models.
    /// - Throws: `ModelError` if no stage has such a block, or a stage has no counterpart of it.
    public static func sideBySide(
        _ stages: [Stage], block: String? = nil, options: DrawingOptions = .init()
    ) throws -> GraphDrawing {
        let chosen = try block.map { try firstBlock($0, of: stages) }
        var drawing = GraphDrawing(title: chosen?.name ?? stages.first?.graph.name ?? "")
        // By the layer with weights that the nodes have in common; the tops are under the empty name.
        var rows: OrderedDictionary<String, [String]> = ["": []]
        for (index, stage) in stages.enumerated() {
            let frame = DrawnCluster(id: "stage\(index)", title: stage.title, subtitle: stage.subtitle, role: .stage)
            let builder = DrawingBuilder(
                graph: stage.graph, options: options, prefix: "s\(index)", enclosing: frame)
            var nodes = stage.graph.topologicalOrder()
            if let chosen {
                guard let block = chosen.counterpart(in: stage.graph) else {
                    throw ModelError(
                        "has no residual block that covers the nodes of '\(chosen.name)'",
                        at: "stage '\(stage.title)'", advice: "give stages of one model")
                }
                nodes = block.nodes
            }
            let top = drawing.nodes.count
            builder.draw(nodes, into: &drawing)
            if top < drawing.nodes.count { rows["", default: []].append(drawing.nodes[top].id) }
            for node in nodes where Operation.category(of: stage.graph[node]).hasWeights {
                if let layer = stage.graph[node].origins.first { rows[layer, default: []].append(builder.name(node)) }
            }
        }
        drawing.rows = rows.values.filter { $0.count > 1 }
        return drawing
    }

    /// The block as the first stage that knows the name has it; the first stage's error if none does.
    private static func firstBlock(_ name: String, of stages: [Stage]) throws -> ResidualBlock {
        var firstError: (any Error)?
        for stage in stages {
            do { return try ResidualBlock.find(name, in: stage.graph) } catch { firstError = firstError ?? error }
        }
        throw firstError ?? ModelError("there is no model to draw", advice: "give at least one stage")
    }
}
