import GraphIR
import Operators
import TensorCore

/// FullyConnected [+ activation] → FusedFullyConnected, MXNet's backend MKLDNN_QUANTIZE
/// (src/operator/subgraph/mkldnn/mkldnn_fc_property.h).
public struct FuseFullyConnected: Pass {
    public let name = "FuseFullyConnected"
    public let summary = "fuses an activation into the fully connected layer before it"
    private let backend: FusionBackend
    private let arithmetic: Arithmetic

    /// What MXNet's backend of that name fuses.
    public init(_ backend: FusionBackend = .quantize, arithmetic: Arithmetic = .exact) {
        self.backend = backend
        self.arithmetic = arithmetic
    }

    public func run(_ context: inout PassContext) throws {
        try context.findTypesOfCodes()
        let layers = context.graph.topologicalOrder().map { context.graph[$0] }.filter {
            $0.op == "FullyConnected" && !context.graph.hasCodes($0)
        }
        let chains = FusionChain.all(
            from: layers, { _ in FullyConnectedRule(backend: backend) }, in: context.graph, arithmetic)
        for (number, chain) in chains.enumerated() {
            let hasActivation = chain.nodes.count > 1
            let name = "sg_mkldnn_fully_connected_\(hasActivation ? "eltwise_" : "")\(number)"
            let patch = FusedNode(chain: chain, graph: context.graph).patch(
                name: name, op: "FusedFullyConnected",
                attributes: hasActivation ? ["with_eltwise": .text("True")] : [:])
            try context.apply(patch, to: chain.nodes[0].name)
            if !hasActivation { context.refuse(chain.nodes[0].name, because: "\(chain.end)") }
        }
    }
}

private struct FullyConnectedRule: FusionRule {
    let backend: FusionBackend
    private(set) var isComplete = false

    init(backend: FusionBackend) { self.backend = backend }

    mutating func accepts(_ node: Node) -> Bool {
        isComplete = backend.fullyConnectedTakes(node)
        return isComplete
    }
}
