import GraphIR
import Operators
import TensorCore

/// Convolution [+ BatchNorm] [+ elemwise_add] [+ activation] → FusedConvolution, MXNet's backend MKLDNN_QUANTIZE
/// (src/operator/subgraph/mkldnn/mkldnn_conv_property.h).
///
/// A chain ends at the first node whose result is used more than once; the operand of the addition that is not the
/// convolution becomes the residual input. Fused nodes are numbered in the order of their convolutions.
public struct FuseConvolution: Pass {
    public let name = "FuseConvolution"
    public let summary = "fuses BatchNorm, addition and activation into the convolution before them"
    private let backend: FusionBackend
    private let arithmetic: Arithmetic

    /// What MXNet's backend of that name fuses.
    public init(_ backend: FusionBackend = .quantize, arithmetic: Arithmetic = .exact) {
        self.backend = backend
        self.arithmetic = arithmetic
    }

    public func run(_ context: inout PassContext) throws {
        try context.findTypesOfCodes()
        var layers: [Node] = []
        for node in context.graph.topologicalOrder().map({ context.graph[$0] })
        where node.op == "Convolution" && !context.graph.hasCodes(node) {
            let axes = try node.attributes.integers("kernel")?.count ?? 0
            if (2...3).contains(axes) {
                layers.append(node)
            } else {
                context.refuse(node.name, because: "MXNet fuses convolutions over 2 or 3 axes, this one has \(axes)")
            }
        }
        let chains = FusionChain.all(
            from: layers, { ConvolutionRule(backend: backend, rank: $0.rank) }, in: context.graph, arithmetic)
        for (number, chain) in chains.enumerated() {
            let kinds = chain.nodes.dropFirst().map { Part(of: $0) }
            let name = "sg_mkldnn_conv_" + kinds.map { $0.rawValue + "_" }.joined() + "\(number)"
            let patch = FusedNode(
                chain: chain, graph: context.graph, swappedOperands: swappedSums(of: chain, in: context.graph)
            ).patch(name: name, op: "FusedConvolution", attributes: Part.attributes(of: kinds))
            try context.apply(patch, to: chain.nodes[0].name)
            if let last = chain.nodes.last { context.refuse(last.name, because: "nothing more is fused: \(chain.end)") }
        }
    }

    /// The addition, if the chain is its second operand.
    private func swappedSums(of chain: FusionChain, in graph: Graph) -> Set<NodeID> {
        for (node, next) in zip(chain.nodes, chain.nodes.dropFirst()) where Part(of: next) == .sum {
            // An earlier patch may have changed the operands.
            if graph[next.id].inputs.first != node.outputs[0] { return [next.id] }
        }
        return []
    }
}

/// What a chain may have behind its convolution, under MXNet's names for it.
private enum Part: String {
    case batchNorm = "bn"
    case sum = "add"
    case activation = "act"

    init(of node: Node) {
        switch node.op {
        case "BatchNorm": self = .batchNorm
        case "elemwise_add": self = .sum
        default: self = .activation
        }
    }

    static func attributes(of parts: [Part]) -> Attributes {
        var attributes: Attributes = [:]
        let hasActivation = parts.contains(.activation), hasSum = parts.contains(.sum)
        if hasActivation && !hasSum { attributes["with_act"] = .text("true") }
        if parts.contains(.batchNorm) { attributes["with_bn"] = .text("true") }
        if hasActivation && hasSum { attributes["with_postsum_act"] = .text("true") }
        if hasSum { attributes["with_sum"] = .text("true") }
        return attributes
    }
}

private struct ConvolutionRule: FusionRule {
    let backend: FusionBackend
    /// Of what the convolution gives.
    let rank: Int
    private var last: Part?
    var isComplete: Bool { last == .activation }

    init(backend: FusionBackend, rank: Int) {
        self.backend = backend
        self.rank = rank
    }

    mutating func accepts(_ node: Node) -> Bool {
        switch node.op {
        case "BatchNorm":
            // Only along the channels can it be folded into the weights.
            let axis = (try? node.attributes.integer("axis")) ?? 1
            guard last == nil, axis == 1 || axis + rank == 1 else { return false }
            last = .batchNorm
        case "elemwise_add":
            guard last != .sum, node.inputs[0] != node.inputs[1] else { return false }
            last = .sum
        default:
            guard backend.convolutionTakes(node, afterSum: last == .sum) else { return false }
            last = .activation
        }
        return true
    }
}

extension Node {
    /// The rank of a convolution's data.
    fileprivate var rank: Int { ((try? attributes.integers("kernel"))?.count ?? 2) + 2 }
}
