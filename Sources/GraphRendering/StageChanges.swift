import GraphIR
import TensorCore

/// Which nodes of a stage are as they were in the stage before: the same operation for the same nodes of the float model,
/// on the same types, with the same ranges. The node's own name does not count, since quantization gives new ones.
struct StageChanges {
    private let before: Set<Signature>

    private struct Signature: Hashable {
        var op: String
        var origins: [String]
        var inputs: [DataType?]
        var outputs: [DataType?]
        var grids: [Quantization?]
        var range: String?

        init(_ node: Node, in graph: Graph) {
            op = node.op
            origins = node.origins
            // What a node reads is the business of the node that made it.
            inputs = node.inputs.map { $0.flatMap { graph[$0].type?.dataType } }
            let types = node.outputs.map { graph[$0].type }
            outputs = types.map { $0?.dataType }
            grids = types.map { $0.flatMap { $0.dataType.isCode ? $0.quantization : nil } }
            range = ValueLabel.calibratedRange(of: node)
        }
    }

    init(since graph: Graph) { before = Set(graph.nodes.map { Signature($0, in: graph) }) }

    func emphasis(_ nodes: [NodeID], in graph: Graph) -> DrawnNode.Emphasis {
        nodes.allSatisfy { before.contains(Signature(graph[$0], in: graph)) } ? .pale : .strong
    }
}
