import GraphIR
import Operators

/// Where an operator is documented.
public enum OperatorLinks {
    /// MXNet's page of its operators for models of MXNet, and ONNX's page of the operator for models of ONNX; nil for
    /// operators that neither documents, such as those of MXNet's oneDNN backend.
    public static func url(of node: Node, in graph: Graph) -> String? {
        let operation = OperatorTable.standard[node.op]
        if graph.metadata["format"] == "ONNX" {
            guard case .mapped(let mapping)? = operation?.onnx else { return nil }
            return mapping.types.first.map { "https://onnx.ai/onnx/operators/onnx__\($0).html" }
        }
        let inner = node.bodies.first.flatMap { body in body.topologicalOrder().first.map { body[$0].op } }
        let name = inner ?? node.op
        guard OperatorTable.standard[name]?.mxnet != nil, name.first?.isLetter ?? false else { return nil }
        return
            "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/symbol/op/index.html#mxnet.symbol.op.\(name)"
    }
}
