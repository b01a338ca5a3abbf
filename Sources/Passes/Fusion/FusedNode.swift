import GraphIR
import TensorCore

/// Makes one node of a chain of nodes, as MXNet's subgraph framework does (src/operator/subgraph/build_subgraph.cc):
/// the chain moves into the body; whatever it uses from outside becomes an input of the body and of the fused node.
struct FusedNode {
    /// In the order in which they compute; each but the last is used only by the next.
    let chain: [Node]
    let graph: Graph
    /// For nodes whose operands change places in the body.
    var swappedOperands: Set<NodeID> = []

    /// The draft, and the patch's summary.
    func draft(name: String, op: String, attributes: Attributes) -> NodeDraft {
        var body = Graph(name: name)
        var inner: [ValueID: ValueID] = [:]
        var outer: [ValueID] = []
        for node in chain {
            let operands = swappedOperands.contains(node.id) ? node.inputs.reversed() : node.inputs
            let inputs = operands.map { operand -> ValueID? in
                guard let operand else { return nil }
                if let known = inner[operand] { return known }
                outer.append(operand)
                // nnvm numbers the entries of a name; each of ours has one.
                inner[operand] = body.addInput(graph[operand].name + "0")
                return inner[operand]
            }
            let id = body.add(
                NodeDraft(
                    name: node.name, op: node.op, attributes: node.attributes, inputs: inputs,
                    outputNames: node.outputs.map { graph[$0].name }))
            for (old, new) in zip(node.outputs, body[id].outputs) { inner[old] = new }
        }
        if let last = chain.last, let output = inner[last.outputs[0]] { body.setOutputs([output]) }
        return NodeDraft(
            name: name, op: op, attributes: attributes, inputs: outer, bodies: [body],
            origins: chain.flatMap(\.origins))
    }

    /// A patch that puts the fused node where the chain was.
    func patch(name: String, op: String, attributes: Attributes) -> GraphPatch {
        var patch = GraphPatch(for: graph, "\(chain.map(\.name).joined(separator: " + ")) → \(name)")
        let outputs = patch.add(draft(name: name, op: op, attributes: attributes))
        if let last = chain.last { patch.replace(last.outputs[0], with: outputs[0]) }
        for node in chain.reversed() { patch.remove(node.id) }
        return patch
    }
}

extension Graph {
    /// The node that alone uses a node's result, or the reason why a chain ends here.
    func soleConsumer(of node: Node) -> Result<Node, ChainEnd> {
        let result = node.outputs[0]
        if outputs.contains(result) { return .failure(.isOutput) }
        if node.outputs.dropFirst().contains(where: { !self[$0].uses.isEmpty }) { return .failure(.sideOutputUsed) }
        let uses = self[result].uses
        guard uses.count == 1 else { return .failure(uses.isEmpty ? .unused : .branches(uses.count)) }
        return .success(self[uses[0].node])
    }
}

/// Why nothing more can be fused behind a node.
enum ChainEnd: Error, CustomStringConvertible {
    case isOutput, unused, sideOutputUsed, activation
    case branches(Int)
    case notFusable(String)

    var description: String {
        switch self {
        case .isOutput: "its result is an output of the model"
        case .unused: "nothing uses its result"
        case .sideOutputUsed: "its second output is used"
        case .activation: "an activation is the last that a layer takes"
        case .branches(let count): "its result is used \(count) times"
        case .notFusable(let op): "\(op) follows, which cannot be fused here"
        }
    }
}
