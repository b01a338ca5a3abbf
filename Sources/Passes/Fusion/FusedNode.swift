import GraphIR
import TensorCore

/// Makes one node of a chain of nodes, as MXNet's subgraph framework does (src/operator/subgraph/build_subgraph.cc):
/// the chain moves into the body; whatever it uses from outside becomes an input of the body and of the fused node.
///
/// A value that is used twice becomes two inputs: `data` becomes `data0` and `data1`.
struct FusedNode {
    let chain: FusionChain
    let graph: Graph
    /// For nodes whose operands change places in the body.
    var swappedOperands: Set<NodeID> = []

    /// The draft, and the patch's summary.
    private func draft(name: String, op: String, attributes: Attributes) -> NodeDraft {
        var body = Graph(name: name)
        var inner: [ValueID: ValueID] = [:]
        var outer: [ValueID] = []
        // As the nodes are now: earlier patches may have changed their inputs.
        let nodes = chain.nodes.map { graph[$0.id] }
        var numbers = OperandNumbers(nodes, first: swappedOperands)
        for node in nodes {
            let isSwapped = swappedOperands.contains(node.id)
            let inputs = (isSwapped ? node.inputs.reversed() : node.inputs).map { operand -> ValueID? in
                guard let operand else { return nil }
                if let known = inner[operand] { return known }
                outer.append(operand)
                return body.addInput(graph[operand].name + "\(numbers.next(operand, isSwapped))")
            }
            let id = body.add(
                NodeDraft(
                    name: node.name, op: node.op, attributes: node.attributes, inputs: inputs,
                    outputNames: node.outputs.map { graph[$0].name }))
            for (old, new) in zip(node.outputs, body[id].outputs) { inner[old] = new }
        }
        if let last = chain.nodes.last, let output = inner[last.outputs[0]] { body.setOutputs([output]) }
        return NodeDraft(
            name: name, op: op, attributes: attributes, inputs: outer, bodies: [body],
            origins: chain.nodes.flatMap(\.origins))
    }

    /// A patch that puts the fused node where the chain was.
    func patch(name: String, op: String, attributes: Attributes) -> GraphPatch {
        var patch = GraphPatch(for: graph, "\(chain.nodes.map(\.name).joined(separator: " + ")) → \(name)")
        let outputs = patch.add(draft(name: name, op: op, attributes: attributes))
        for result in chain.results { patch.replace(result, with: outputs[0]) }
        for node in (chain.nodes + chain.forgotten).reversed() { patch.remove(node.id) }
        return patch
    }
}

/// Numbers the uses of each value: those of swapped nodes come first, since MXNet counts before it swaps.
private struct OperandNumbers {
    private var swapped: [ValueID: Int] = [:]
    private var others: [ValueID: Int] = [:]

    init(_ chain: [Node], first nodes: Set<NodeID>) {
        for node in chain where nodes.contains(node.id) {
            for case let operand? in node.inputs { others[operand, default: 0] += 1 }
        }
    }

    mutating func next(_ operand: ValueID, _ isSwapped: Bool) -> Int {
        if isSwapped {
            defer { swapped[operand, default: 0] += 1 }
            return swapped[operand, default: 0]
        }
        defer { others[operand, default: 0] += 1 }
        return others[operand, default: 0]
    }
}
