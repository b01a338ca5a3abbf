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
    /// Colours its boxes; the options' overlay does if there is none.
    public var overlay: Overlay?

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
    ///   - block: a block, or a node in one, of any of the stages; the same block is drawn of each.
    ///     Nil draws the whole models.
    /// - Throws: `ModelError` if no stage has such a block, or a stage has no counterpart of it.
    public static func sideBySide(
        _ stages: [Stage], block: String? = nil, options: DrawingOptions = .init()
    ) throws -> GraphDrawing {
        let chosen = try block.map { try firstBlock($0, of: stages) }
        var drawing = GraphDrawing(title: chosen?.name ?? stages.first?.graph.name ?? "")
        drawing.scale = (stages.first?.overlay ?? options.overlay)?.scale
        // By the layer with weights that the nodes have in common; the tops are under the empty name.
        var rows: OrderedDictionary<String, [String]> = ["": []]
        for (index, stage) in stages.enumerated() {
            let frame = DrawnCluster(id: "stage\(index)", title: stage.title, subtitle: stage.subtitle, role: .stage)
            var stageOptions = options
            stageOptions.overlay = stage.overlay ?? options.overlay
            var builder = DrawingBuilder(
                graph: stage.graph, options: stageOptions, prefix: "s\(index)", enclosing: frame)
            if index > 0 { builder.changes = StageChanges(since: stages[index - 1].graph) }
            var nodes = stage.graph.topologicalOrder()
            if let chosen {
                guard let block = chosen.counterpart(in: stage.graph) else {
                    throw ModelError(
                        "has no block that covers the nodes of '\(chosen.name)'",
                        at: "stage '\(stage.title)'", advice: "give stages of one model")
                }
                nodes = block.nodes
            }
            let top = drawing.nodes.count
            let boxes = builder.draw(nodes, into: &drawing)
            if top < drawing.nodes.count { rows["", default: []].append(drawing.nodes[top].id) }
            for node in nodes where Operation.category(of: stage.graph[node]).hasWeights {
                if let layer = stage.graph[node].origins.first {
                    boxes[node].map { rows[layer, default: []].append($0) }
                }
            }
        }
        // Boxes of several layers stand beside the first of them that others have.
        var placed = Set<String>()
        drawing.rows = rows.values.map { $0.filter { placed.insert($0).inserted } }.filter { $0.count > 1 }
        if options.widthsShowBytes { drawing.widenArrows() }
        return drawing
    }

    /// The block as the first stage that knows the name has it; the first stage's error if none does.
    private static func firstBlock(_ name: String, of stages: [Stage]) throws -> Block {
        var firstError: (any Error)?
        for stage in stages {
            do { return try Block.find(name, in: stage.graph) } catch { firstError = firstError ?? error }
        }
        throw firstError ?? ModelError("there is no model to draw", advice: "give at least one stage")
    }
}
