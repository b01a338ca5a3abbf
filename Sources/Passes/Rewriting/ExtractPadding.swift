import GraphIR
import Operators
import TensorCore

/// A layer with uneven padding → Pad, and the layer without. ONNX has such layers, MXNet does not.
public struct ExtractPadding: Pass {
    public let name = "ExtractPadding"
    public let summary = "padding that differs at the two ends becomes a layer of its own"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard let data = node.inputs.first ?? nil,
                let padding = try UnevenPadding(NodeReader(node, in: context.graph))
            else { continue }
            var patch = GraphPatch(for: context.graph, "→ Pad + \(node.op)")
            let padded = patch.add(
                NodeDraft(
                    name: node.name + "_pad", op: "Pad", attributes: padding.border, inputs: [data],
                    origins: node.origins, outputNames: [node.name + "_pad_output"]))
            patch.setInput(0, of: id, to: padded[0])
            patch.update(id) { $0.attributes = padding.rest }
            try context.apply(patch, to: node.name)
            try context.annotate()
        }
    }
}
