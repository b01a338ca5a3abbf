import GraphIR
import Operators
import TensorCore

/// FullyConnected [+ Activation] → FusedFullyConnected, MXNet's backend MKLDNN_QUANTIZE
/// (src/operator/subgraph/mkldnn/mkldnn_fc_property.h).
public struct FuseFullyConnected: Pass {
    public let name = "FuseFullyConnected"
    public let summary = "fuses relu into the fully connected layer before it"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        var number = 0
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let node = context.graph[id]
            guard node.op == "FullyConnected" else { continue }
            var chain = [node]
            var attributes: Attributes = [:]
            switch context.graph.soleConsumer(of: node) {
            case .success(let next) where next.op == "Activation" && next.attributes.text("act_type") == "relu":
                chain.append(next)
                attributes["with_eltwise"] = .text("True")
            case .success(let next):
                context.refuse(node.name, because: "\(ChainEnd.notFusable("\(next.op) '\(next.name)'"))")
            case .failure(let reason): context.refuse(node.name, because: "\(reason)")
            }
            let name = "sg_mkldnn_fully_connected_\(chain.count > 1 ? "eltwise_" : "")\(number)"
            let fused = FusedNode(chain: chain, graph: context.graph)
            try context.apply(fused.patch(name: name, op: "FusedFullyConnected", attributes: attributes), to: node.name)
            number += 1
        }
    }
}
