import GraphIR
import Operators

/// identity and Dropout that is there for training go (src/operator/subgraph/mkldnn/mkldnn_identity_property.h).
/// MXNet keeps those that stand behind an input or a parameter.
public struct RemoveIdentities: Pass {
    public let name = "RemoveIdentities"
    public let summary = "removes identities and dropout"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard isIdentity(node), let source = node.inputs[0] else { continue }
            guard context.graph.producer(of: source) != nil else {
                context.refuse(node.name, because: "MXNet keeps one that stands behind an input or a parameter")
                continue
            }
            var patch = GraphPatch(for: context.graph, "is its input")
            patch.replace(node.outputs[0], with: source)
            patch.remove(id)
            try context.apply(patch, to: node.name)
        }
    }

    private func isIdentity(_ node: Node) -> Bool {
        switch node.op {
        case "_copy": true
        case "Dropout": node.attributes.text("mode") ?? "training" == "training"
        default: false
        }
    }
}
