import GraphIR
import TensorCore

/// A part of a network between a fork and the node that joins its paths again, the join and its activation included, the
/// fork not. Found by structure, so that float, fused and quantized graphs are treated alike.
public struct Block: Sendable {
    /// What the paths and the join look like.
    public enum Kind: String, Sendable, CaseIterable {
        /// A sum of a path with weights and a short cut (He et al., 2015).
        case residual
        /// The same around a depthwise convolution (Sandler et al., MobileNetV2, 2018).
        case invertedResidual
        /// A concatenation of parallel paths (Szegedy et al., 2014).
        case inception
        /// The same of two convolutions behind one that squeezes their input (Iandola et al., SqueezeNet, 2016).
        case fire
        /// A concatenation of a path and its input (Huang et al., DenseNet, 2016).
        case dense
        /// Products weighted by the softmax of products (Vaswani et al., 2017).
        case attention

        /// As it stands above the frame.
        public var title: String {
            switch self {
            case .residual: "Residual block"
            case .invertedResidual: "Inverted residual block"
            case .inception: "Inception block"
            case .fire: "Fire block"
            case .dense: "Dense block"
            case .attention: "Attention block"
            }
        }
    }

    /// The name of the join, which is the same in every stage of a model.
    public let name: String
    /// What its structure says that it is.
    public let kind: Kind
    /// The node or input that all paths start from.
    public let fork: Graph.Visit
    /// In the order of computation.
    public let nodes: [NodeID]
    /// The names of the nodes that the block covers, and of those that they stand for.
    public let covered: Set<String>

    /// The blocks of a graph in the order of their joins. Blocks may nest.
    ///
    /// A block needs a layer with weights on one of its paths; otherwise the gates of a recurrent cell would count.
    public static func find(in graph: Graph) -> [Block] {
        let finder = BlockFinder(graph)
        return graph.topologicalOrder().compactMap(finder.block)
    }

    /// The smallest block that is called `name` or holds a node of that name, the nodes inside fused ones included;
    /// otherwise the only one with `name` in its name, or in that of a node that it holds.
    /// - Throws: `ModelError` with the nearest names if there is none.
    public static func find(_ name: String, in graph: Graph) throws -> Block {
        let blocks = find(in: graph)
        if let block = blocks.first(where: { $0.name == name }) { return block }
        if let block = blocks.filter({ $0.covered.contains(name) }).min(by: { $0.nodes.count < $1.nodes.count }) {
            return block
        }
        guard !blocks.isEmpty else {
            throw ModelError("the model has no block", advice: "draw the whole model without --block")
        }
        let names = Set(blocks.map(\.name)).sorted { a, b in
            (blocks.firstIndex { $0.name == a } ?? 0) < (blocks.firstIndex { $0.name == b } ?? 0)
        }
        if graph.nodes.contains(where: { $0.name == name || $0.origins.contains(name) }) {
            throw ModelError(
                "node '\(name)' lies in no block", advice: "the blocks are \(names.joined(separator: ", "))")
        }
        if let block = only(blocks.filter { $0.name.contains(name) })
            ?? only(blocks.filter { $0.covered.contains { $0.contains(name) } })
        {
            return block
        }
        let near = nearestNames(to: name, among: names + blocks.flatMap(\.covered).sorted())
        throw ModelError(
            "no block holds a node named '\(name)'",
            advice: near.isEmpty
                ? "the blocks are \(names.joined(separator: ", "))" : "did you mean \(near.joined(separator: " or "))?")
    }

    private static func only(_ blocks: [Block]) -> Block? { blocks.count == 1 ? blocks[0] : nil }

    /// The block of another stage of the same model that covers the most of the same nodes.
    public func counterpart(in graph: Graph) -> Block? {
        let blocks = Self.find(in: graph)
        return blocks.first { $0.name == name }
            ?? blocks.map { ($0, $0.covered.intersection(covered).count) }.filter { $0.1 > 0 }.max { $0.1 < $1.1 }?.0
    }
}

extension DrawnNode.Category {
    var hasWeights: Bool { self == .weighted || self == .fused }
}
