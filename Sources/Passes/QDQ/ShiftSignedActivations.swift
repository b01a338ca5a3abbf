import GraphIR
import Operators
import TensorCore

/// int8 activations ↔ uint8 activations with a zero point of 128: the same grid, every code 128 higher.
///
/// ONNX Runtime on x86 has integer kernels for uint8 data; MXNet has no zero points.
public struct ShiftSignedActivations: Pass {
    /// From int8 to uint8 with zero point 128, or back.
    public enum Direction: Sendable { case toUnsigned, toSigned }

    public let name: String
    public let summary: String
    private let direction: Direction

    /// A pass for one direction.
    public init(_ direction: Direction) {
        self.direction = direction
        name = direction == .toUnsigned ? "ShiftActivationsToUnsigned" : "ShiftActivationsToSigned"
        summary =
            direction == .toUnsigned
            ? "writes int8 activations as uint8 with zero point 128"
            : "reads uint8 activations with zero point 128 as int8"
    }

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() where context.graph[id].op == "Quantize" {
            let node = context.graph[id]
            guard let type = context.graph[node.outputs[0]].type, let grid = type.quantization?.grid else { continue }
            let isSigned = type.dataType == .int8 && grid.zeroPoint == 0
            let isShifted = type.dataType == .uint8 && grid.zeroPoint == 128
            guard direction == .toUnsigned ? isSigned : isShifted, isInner(node, context.graph) else { continue }
            var shifted = QuantizationGrid(steps: [grid.steps[0]])
            shifted.zeroPoint = direction == .toUnsigned ? 128 : 0
            let attributes = ValueType(
                direction == .toUnsigned ? .uint8 : .int8, nil, quantization: .known(shifted)
            ).gridAttributes
            var patch = GraphPatch(for: context.graph, direction == .toUnsigned ? "uint8, zero point 128" : "int8")
            patch.update(id) { $0.attributes = attributes }
            try context.apply(patch, to: node.name)
        }
        try context.annotate()
    }

    /// Whether nobody but other operators on codes sees the codes themselves.
    private func isInner(_ node: Node, _ graph: Graph) -> Bool {
        !graph.outputs.contains(node.outputs[0])
            && graph.consumers(of: node).allSatisfy { $0.op == "Dequantize" || direction == .toUnsigned }
    }
}
