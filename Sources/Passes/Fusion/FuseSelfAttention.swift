import GraphIR
import Operators

/// The two products of interleaved self-attention → their fused forms, which can be quantized
/// (src/operator/subgraph/mkldnn/mkldnn_transformer_property.h). Both are numbered together.
public struct FuseSelfAttention: Pass {
    public let name = "FuseSelfAttention"
    public let summary = "wraps the products of interleaved self-attention"
    private static let kinds = [
        "_contrib_interleaved_matmul_selfatt_qk": "qk", "_contrib_interleaved_matmul_selfatt_valatt": "valatt",
    ]

    public init() {}

    public func run(_ context: inout PassContext) throws {
        let nodes = context.graph.topologicalOrder().map { context.graph[$0] }.filter { Self.kinds[$0.op] != nil }
        for (number, node) in nodes.enumerated() {
            guard let kind = Self.kinds[node.op] else { continue }
            let chain = FusionChain(nodes: [node], results: [node.outputs[0]], forgotten: [])
            let patch = FusedNode(chain: chain, graph: context.graph).patch(
                name: "sg_mkldnn_selfatt_\(kind)_\(number)", op: "_sg_mkldnn_selfatt_\(kind)",
                attributes: [
                    "enable_float_output": .text("False"), "heads": node.attributes["heads"] ?? .integer(1),
                    "quantized": .text("False"),
                ])
            try context.apply(patch, to: node.name)
        }
    }
}
