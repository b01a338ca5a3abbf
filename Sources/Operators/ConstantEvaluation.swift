import GraphIR
import Kernels
import TensorCore

extension NodeReader {
    /// The elements of an input that no input of the model has a part in: a stored parameter, or what nodes compute from
    /// parameters. Nil for any other.
    public func constant(_ index: Int) throws -> Tensor? {
        let value = try input(index)
        if let tensor = value.tensor { return tensor }
        // The value with all that it needs, as a graph of its own.
        var part = Graph(), copies: [ValueID: ValueID] = [:], whole = graph
        whole.setOutputs([value.id])
        for visit in whole.traverse() {
            switch visit {
            case .variable(let id):
                guard let tensor = graph[id].tensor else { return nil }
                copies[id] = part.addParameter(
                    graph[id].name, tensor, quantization: graph[id].type?.quantization)
            case .node(let id):
                let node = graph[id]
                let copy = part.add(
                    NodeDraft(
                        name: node.name, op: node.op, attributes: node.attributes,
                        inputs: node.inputs.map { $0.flatMap { copies[$0] } }, bodies: node.bodies,
                        outputNames: node.outputs.map { graph[$0].name }))
                for (original, output) in zip(node.outputs, part[copy].outputs) {
                    copies[original] = output
                    part.setType(graph[original].type, of: output)
                }
            }
        }
        guard let output = copies[value.id] else { return nil }
        part.setOutputs([output])
        return try ReferenceExecutor(Lowering.lower(part).program).run([]).first
    }
}
