import GraphIR
import Kernels
import Operators
import TensorCore

/// Computes single nodes of a graph, as far as constants and shapes decide what they give.
struct NodeEvaluation {
    let table: OperatorTable
    /// Computes a program without inputs.
    let evaluate: ONNXImporter.Evaluation
    /// Quantize and Dequantize are kept, because they say how a model is quantized; only where a model is computed as a
    /// whole, they are computed with it.
    let foldsQuantization: Bool

    /// What is computed while reading has to fit into memory beside the model.
    private static let largestResult = 1 << 30

    /// The results, in the order of the node's outputs; nil if they depend on what is not known yet.
    /// - Throws: `ModelError` if the operator refuses the node.
    func results(of node: Node, in graph: Graph) throws -> [Tensor]? {
        guard let definition = table[node.op], isWorthwhile(node, definition, graph) else { return nil }
        let small = try alone(node, graph)
        let size = small.outputs.reduce(0) { $0 + (small[$1].type?.shape?.elementCount ?? 0) }
        guard size <= Self.largestResult / 8 else { return nil }
        let program = try Lowering.lower(small, table: table).program
        let constants = program.outputs.compactMap { program.constants[$0.buffer] }
        if constants.count == program.outputs.count { return constants }
        return program.inputs.isEmpty ? try evaluate(program) : nil
    }

    private func isWorthwhile(_ node: Node, _ definition: any OperatorDefinition, _ graph: Graph) -> Bool {
        if definition.mxnet?.isAlwaysQuantized ?? false, !foldsQuantization { return false }
        let inputs = node.inputs.compactMap { $0 }.map { graph[$0] }
        if !foldsQuantization && inputs.contains(where: { $0.type?.isQuantized ?? false }) { return false }
        if inputs.allSatisfy({ $0.tensor != nil }) { return true }
        return definition.dependsOnShapesOnly && inputs.allSatisfy { $0.type?.shape != nil }
    }

    /// A graph of this node only.
    private func alone(_ node: Node, _ graph: Graph) throws -> Graph {
        var small = Graph(name: node.name)
        var copies: [ValueID: ValueID] = [:]
        let inputs = node.inputs.map { input -> ValueID? in
            guard let input else { return nil }
            if let copy = copies[input] { return copy }
            let value = graph[input]
            let copy =
                value.tensor.map {
                    small.addParameter(value.name, $0, quantization: value.type?.quantization)
                } ?? small.addInput(value.name, type: value.type)
            copies[input] = copy
            return copy
        }
        let id = small.add(
            NodeDraft(
                name: node.name, op: node.op, attributes: node.attributes, inputs: inputs, bodies: node.bodies,
                outputNames: node.outputs.map { graph[$0].name }))
        small.setOutputs(small[id].outputs)
        try TypeInference(table: table).annotate(&small)
        return small
    }
}
