import GraphIR
import Operators
import TensorCore

/// Post-quantization fusion: a calibrated Requantize moves into the layer before it; a fully connected layer also takes
/// the Dequantize behind and gives float (src/operator/subgraph/mkldnn/mkldnn_post_quantize_property.h and
/// mkldnn_fc_post_quantize_property.h).
public struct FuseRequantize: Pass {
    public let name = "FuseRequantize"
    public let summary = "moves calibrated requantize and dequantize into the layer before them"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let layer = context.graph[id]
            guard layer.op == "FusedConvolution" || layer.op == "FusedFullyConnected" else { continue }
            guard case .success(let requantize) = context.graph.soleConsumer(of: layer), requantize.op == "Requantize"
            else { continue }
            guard try CalibratedRange.read(requantize.attributes) != nil else {
                context.refuse(layer.name, because: "'\(requantize.name)' has no calibrated range")
                continue
            }
            try fuse(layer, requantize, &context)
        }
    }

    private func fuse(_ layer: Node, _ requantize: Node, _ context: inout PassContext) throws {
        let graph = context.graph
        if layer.op == "FusedFullyConnected", case .success(let next) = graph.soleConsumer(of: requantize),
            next.op == "Dequantize"
        {
            var patch = GraphPatch(for: graph, "takes '\(requantize.name)' and '\(next.name)', gives float")
            patch.update(layer.id) { $0.attributes["enable_float_output"] = .text("True") }
            patch.replace(next.outputs[0], with: layer.outputs[0])
            patch.remove(next.id)
            patch.remove(requantize.id)
            try context.apply(patch, to: layer.name)
            return
        }
        var patch = GraphPatch(for: graph, "takes '\(requantize.name)', gives codes")
        let ranges = [CalibratedRange.minimum, CalibratedRange.maximum].map { ($0, requantize.attributes[$0]) }
        patch.update(layer.id) { node in for (name, value) in ranges { node.attributes[name] = value } }
        patch.replace(requantize.outputs[0], with: layer.outputs[0])
        patch.remove(requantize.id)
        try context.apply(patch, to: layer.name)
    }
}
