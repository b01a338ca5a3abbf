import GraphIR
import Operators
import TensorCore

/// Convolution [+ BatchNorm] [+ elemwise_add] [+ Activation] → FusedConvolution, MXNet's backend MKLDNN_QUANTIZE
/// (src/operator/subgraph/mkldnn/mkldnn_conv_property.h).
///
/// A chain ends at the first node whose result is used more than once; the operand of the addition that is not the
/// convolution becomes the residual input. Fused nodes are numbered in the order of their convolutions.
public struct FuseConvolution: Pass {
    public let name = "FuseConvolution"
    public let summary = "fuses BatchNorm, addition and relu into the convolution before them"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        var number = 0
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let node = context.graph[id]
            guard node.op == "Convolution" else { continue }
            let axes = try node.attributes.integers("kernel")?.count ?? 0
            guard axes == 2 else {
                context.refuse(node.name, because: "MXNet fuses convolutions over 2 axes only, this one has \(axes)")
                continue
            }
            let match = ConvolutionChain(from: node, in: context.graph)
            let name = "sg_mkldnn_conv_\(match.nameParts)\(number)"
            var fused = FusedNode(chain: match.chain, graph: context.graph)
            if let sum = match.sum, sum.inputs[0] != match.valueBeforeSum { fused.swappedOperands = [sum.id] }
            try context.apply(
                fused.patch(name: name, op: "FusedConvolution", attributes: match.attributes), to: node.name)
            if let last = match.chain.last { context.refuse(last.name, because: "nothing more is fused: \(match.end)") }
            number += 1
        }
    }
}

/// The longest chain that can be fused from a convolution on.
private struct ConvolutionChain {
    private(set) var chain: [Node]
    private(set) var batchNorm: Node?
    private(set) var sum: Node?
    private(set) var activation: Node?
    /// Why the chain is not longer.
    private(set) var end = ChainEnd.unused

    init(from convolution: Node, in graph: Graph) {
        chain = [convolution]
        while let last = chain.last {
            switch graph.soleConsumer(of: last) {
            case .failure(let reason):
                end = reason
                return
            case .success(let next):
                guard accepts(next) else {
                    end = .notFusable("\(next.op) '\(next.name)'")
                    return
                }
                chain.append(next)
            }
            if activation != nil {
                end = .activation
                return
            }
        }
    }

    private mutating func accepts(_ node: Node) -> Bool {
        switch node.op {
        case "BatchNorm" where batchNorm == nil && sum == nil: batchNorm = node
        case "elemwise_add" where sum == nil: sum = node
        case "Activation" where node.attributes.text("act_type") == "relu": activation = node
        default: return false
        }
        return true
    }

    var nameParts: String {
        (batchNorm == nil ? "" : "bn_") + (sum == nil ? "" : "add_") + (activation == nil ? "" : "act_")
    }

    /// What the addition gets from the chain.
    var valueBeforeSum: ValueID? {
        sum.flatMap { sum in chain.firstIndex { $0.id == sum.id } }.map { chain[$0 - 1].outputs[0] }
    }

    var attributes: Attributes {
        var attributes: Attributes = [:]
        if activation != nil && sum == nil { attributes["with_act"] = .text("true") }
        if batchNorm != nil { attributes["with_bn"] = .text("true") }
        if activation != nil && sum != nil { attributes["with_postsum_act"] = .text("true") }
        if sum != nil { attributes["with_sum"] = .text("true") }
        return attributes
    }
}
