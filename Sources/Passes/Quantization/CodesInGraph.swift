import GraphIR
import Operators

extension PassContext {
    /// Finds types where a pass has to tell nodes on codes from nodes on float; a graph without codes needs none.
    mutating func findTypesOfCodes(_ table: OperatorTable = .standard) throws {
        guard
            graph.nodes.contains(where: { $0.op == "Quantize" || $0.op == "QuantizeAsymmetric" })
                || graph.parameters.contains(where: { $0.type?.isQuantized ?? false })
        else { return }
        try annotate(TypeInference(table: table))
    }
}

extension Graph {
    /// Whether a node's data are codes.
    func hasCodes(_ node: Node) -> Bool { node.inputs.contains { $0.flatMap { self[$0].type?.isQuantized } ?? false } }
}
