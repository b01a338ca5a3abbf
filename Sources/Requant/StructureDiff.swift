import Comparison
import GraphIR
import Operators
import TensorCore

extension Model {
    /// How the candidate's graph differs from this one's; of ONNX models, with QDQ form made quantized layers.
    func structure(comparedWith candidate: Model) throws -> StructuralDiff {
        StructuralDiff(try collapsed().outline, try candidate.collapsed().outline)
    }

    /// The graph as a structural comparison sees it.
    var outline: ModelOutline {
        ModelOutline(
            nodes: graph.topologicalOrder().map { id in
                let node = graph[id]
                // By their place: formats name what they store in their own ways.
                let parameters = node.inputs.enumerated().compactMap { index, input in
                    input.flatMap { graph[$0].tensor }.map { ("input \(index)", Self.text(of: $0)) }
                }
                return ModelOutline.Node(
                    name: node.name, op: node.op, origins: node.origins,
                    attributes: Dictionary(
                        uniqueKeysWithValues: node.attributes.map { ($0.key, $0.value.outlineText) }),
                    result: node.outputs.first.flatMap { graph[$0].type }.map(Self.text) ?? "",
                    parameters: Dictionary(uniqueKeysWithValues: parameters))
            })
    }

    /// `uint8 [0, 4.658554]`: shapes follow from everything else.
    private static func text(_ type: ValueType) -> String {
        ValueType(type.dataType, nil, quantization: type.quantization).description
    }

    /// `float32 64×3×7×7 5f3a09…`: equal for equal elements.
    private static func text(of tensor: Tensor) -> String {
        var fingerprint = Fingerprint()
        fingerprint.add(tensor)
        return "\(tensor.type) \(fingerprint.text.prefix(8))"
    }
}

extension Attribute {
    /// The same for all spellings of a value: `(1, 1)` and `[1,1]`, `4.50` and `4.5`.
    fileprivate var outlineText: String {
        let text = description
        if let number = Double(text), number.isFinite { return "\(Attribute.number(number))" }
        guard case .text = self, let first = text.first, "([".contains(first) else { return text }
        let parts = text.split { "()[], ".contains($0) }
        return parts.count == 1 ? "(\(parts[0]),)" : "(\(parts.joined(separator: ", ")))"
    }
}
