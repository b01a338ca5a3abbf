import GraphIR
import Operators
import TensorCore

/// Fused layers that compute in float → the nodes that they swallowed: ONNX has no fused layers.
public struct UnfuseLayers: Pass {
    public let name = "UnfuseLayers"
    public let summary = "takes fused float layers apart into the nodes that they swallowed"

    private static let fused: Set = [
        "FusedConvolution", "FusedFullyConnected", "_sg_mkldnn_selfatt_qk", "_sg_mkldnn_selfatt_valatt",
    ]

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard Self.fused.contains(node.op), let body = node.bodies.first,
                let data = node.inputs.first ?? nil, !(context.graph[data].type?.isQuantized ?? false)
            else { continue }
            var patch = GraphPatch(for: context.graph, "→ \(node.origins.joined(separator: " + "))")
            var outer = Dictionary(zip(body.inputs, node.inputs)) { first, _ in first }
            for inner in body.topologicalOrder().map({ body[$0] }) {
                let outputs = patch.add(
                    NodeDraft(
                        name: inner.name, op: inner.op, attributes: inner.attributes,
                        inputs: inner.inputs.map { $0.flatMap { outer[$0] ?? nil } },
                        outputNames: inner.outputs.map { body[$0].name }))
                for (value, output) in zip(inner.outputs, outputs) { outer[value] = output }
            }
            guard let last = body.outputs.first, let result = outer[last] ?? nil else { continue }
            patch.replace(node.outputs[0], with: result)
            patch.remove(id)
            try context.apply(patch, to: node.name)
        }
    }
}
