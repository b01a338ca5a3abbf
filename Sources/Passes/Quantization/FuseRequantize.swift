import GraphIR
import Operators
import TensorCore

/// Post-quantization fusion: a calibrated Requantize moves into the layer before it; some layers also take the
/// Dequantize behind and give float (src/operator/subgraph/mkldnn/mkldnn_post_quantize_property.h,
/// mkldnn_fc_post_quantize_property.h, mkldnn_elemwisemul_post_quantize_property.h and
/// mkldnn_transformer_post_quantize_property.h).
public struct FuseRequantize: Pass {
    public let name = "FuseRequantize"
    public let summary = "moves calibrated requantize and dequantize into the layer before them"
    private let table: OperatorTable

    /// Operators are looked up in `table`.
    public init(table: OperatorTable = .standard) { self.table = table }

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let layer = context.graph[id]
            guard case .quantized(let twin) = table[layer.op]?.quantization, twin.absorbs != .nothing else { continue }
            guard case .success(let requantize) = context.graph.soleConsumer(of: layer), requantize.op == "Requantize"
            else { continue }
            guard try CalibratedRange.read(requantize.attributes) != nil else {
                context.refuse(layer.name, because: "'\(requantize.name)' has no calibrated range")
                continue
            }
            let dequantizes =
                twin.absorbs == .requantizeAndDequantize
                ? Self.dequantizes(behind: requantize, in: context.graph) : []
            try fuse(layer, requantize, dequantizes, &context)
        }
    }

    /// The users of the codes, if all of them only want float.
    private static func dequantizes(behind requantize: Node, in graph: Graph) -> [Node] {
        guard !graph.outputs.contains(requantize.outputs[0]) else { return [] }
        let users = graph.consumers(of: requantize)
        return users.allSatisfy { $0.op == "Dequantize" } ? users : []
    }

    private func fuse(
        _ layer: Node, _ requantize: Node, _ dequantizes: [Node], _ context: inout PassContext
    ) throws {
        let codes = layer.outputs[0]
        guard dequantizes.isEmpty else {
            let names = ([requantize] + dequantizes).map { "'\($0.name)'" }.joined(separator: " and ")
            var patch = GraphPatch(for: context.graph, "takes \(names), gives float")
            patch.update(layer.id) { $0.attributes[CalibratedRange.floatOutput] = .text("True") }
            for node in dequantizes {
                patch.replace(node.outputs[0], with: codes)
                patch.remove(node.id)
            }
            patch.remove(requantize.id)
            try context.apply(patch, to: layer.name)
            return
        }
        var patch = GraphPatch(for: context.graph, "takes '\(requantize.name)', gives codes")
        let ranges = [CalibratedRange.minimum, CalibratedRange.maximum].map { ($0, requantize.attributes[$0]) }
        patch.update(layer.id) { node in for (name, value) in ranges { node.attributes[name] = value } }
        patch.replace(requantize.outputs[0], with: codes)
        patch.remove(requantize.id)
        try context.apply(patch, to: layer.name)
    }
}
