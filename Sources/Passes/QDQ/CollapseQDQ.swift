import GraphIR
import Operators
import TensorCore

/// Float operators between Dequantize and Quantize → operators on codes: what `ExpandToQDQ` wrote, or another tool.
///
///     Dequantize → Convolution [→ Activation] [→ elemwise_add(Dequantize) [→ Activation]] → Quantize
///     Dequantize → [Flatten →] FullyConnected [→ Activation] [→ Quantize]
///     Dequantize → Pooling, Flatten, Activation, Concat → Quantize, all on one grid
///     Dequantize → elemwise_add, elemwise_mul → Quantize, without zero points
///
/// A Quantize and Dequantize between a convolution and its addition is the extra rounding that runtimes want. MXNet and
/// oneDNN round such a sum once: with `dropsInnerRounding` it is dropped; without, the layer stays as the file has it.
public struct CollapseQDQ: Pass {
    public let name = "CollapseQDQ"
    public let summary = "makes operators on codes of float operators between dequantize and quantize"

    /// What a record says of a layer whose inner rounding was dropped.
    public static let droppedRounding = "the rounding before its addition is dropped"
    private let dropsInnerRounding: Bool

    /// Whether a residual sum that is rounded twice is to be rounded once, as MXNet does it.
    public init(dropsInnerRounding: Bool) { self.dropsInnerRounding = dropsInnerRounding }

    public func run(_ context: inout PassContext) throws {
        var numbers: [String: Int] = [:]
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let node = context.graph[id]
            switch node.op {
            case "Convolution", "FullyConnected":
                let kind = node.op == "Convolution" ? "conv" : "fully_connected"
                guard let layer = QDQLayer(from: node, in: context.graph, dropsInnerRounding) else {
                    context.refuse(
                        node.name,
                        because: "it is not between dequantize and quantize, or its weights are not stored as int8")
                    continue
                }
                try context.apply(layer.patch(number: numbers[kind, default: 0]), to: node.name)
                if layer.hasInnerRounding { context.refuse(node.name, because: Self.droppedRounding) }
                numbers[kind, default: 0] += 1
            case "Pooling", "Flatten", "Activation", "Concat", "elemwise_add", "elemwise_mul":
                guard let patch = OperatorOnCodes(node, context.graph)?.patch() else { continue }
                try context.apply(patch, to: node.name)
            default: continue
            }
            try context.annotate()
        }
        try setRanges(&context)
    }

    /// MXNet knows ranges, not steps.
    private func setRanges(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard node.op == "Quantize", node.attributes["step"] != nil, let type = context.graph[node.outputs[0]].type,
                let grid = type.quantization?.grid, grid.zeroPoint == 0
            else { continue }
            let range = grid.symmetricRange(type.dataType)
            var patch = GraphPatch(for: context.graph, "range [\(range.min), \(range.max)]")
            patch.update(id) { node in
                node.attributes = ["out_type": .text(type.dataType.rawValue)]
                node.attributes[CalibratedRange.minimum] = .number(Double(range.min))
                node.attributes[CalibratedRange.maximum] = .number(Double(range.max))
            }
            try context.apply(patch, to: node.name)
        }
    }
}

/// An operator without weights that works on codes as it is.
private struct OperatorOnCodes {
    let node: Node
    let graph: Graph
    private let operands: [ValueID]
    private let quantize: Node
    /// What the operator on codes has beside the float one.
    private var attributes: Attributes = [:]

    /// Nil if it would not compute the same.
    init?(_ node: Node, _ graph: Graph) {
        self.node = node
        self.graph = graph
        operands = node.inputs.compactMap { graph.codes(behind: $0) }
        guard operands.count == node.inputs.count, case .success(let quantize) = graph.soleConsumer(of: node),
            quantize.op == "Quantize", let result = graph[quantize.outputs[0]].type
        else { return nil }
        self.quantize = quantize
        let types = operands.compactMap { graph[$0].type }
        guard types.count == operands.count, let zeroPoint = result.quantization?.grid?.zeroPoint else { return nil }
        switch node.op {
        case "elemwise_add", "elemwise_mul":
            guard zeroPoint == 0, types.allSatisfy({ $0.quantization?.grid?.zeroPoint == 0 }) else { return nil }
            let codes = types.map(\.dataType)
            let resultType: DataType = node.op == "elemwise_add" && codes[0] == codes[1] ? codes[0] : .int8
            guard result.dataType == resultType, node.op == "elemwise_add" || codes == [.int8, .int8] else {
                return nil
            }
            attributes = result.layerAttributes(isNonNegative: resultType == .uint8)
        case "Activation" where zeroPoint != 0 || node.attributes.text("act_type") != "relu": return nil
        // Padding that counts is the number 0, which need not be the code 0.
        case "Pooling" where zeroPoint != 0 && node.attributes.text("pool_type") != "max": return nil
        // Sums and norms leave the grid.
        case "Pooling" where !["max", "avg"].contains(node.attributes.text("pool_type") ?? "max"): return nil
        default: guard types.allSatisfy({ $0.isOnGrid(of: result) }) else { return nil }
        }
    }

    func patch() -> GraphPatch {
        var patch = GraphPatch(for: graph, "on codes")
        let output = patch.add(
            NodeDraft(
                name: QuantizedNames.node(node.name), op: node.op,
                attributes: node.attributes.merging(attributes) { _, new in new }, inputs: operands,
                origins: node.origins))[0]
        patch.replace(quantize.outputs[0], with: output)
        patch.remove(quantize.id)
        patch.remove(node.id)
        for input in Set(node.inputs.compactMap { $0 }).sorted() { patch.removeUnused(input, in: graph) }
        return patch
    }
}

extension ValueType {
    /// Whether a code means the same number as in the other type.
    fileprivate func isOnGrid(of other: ValueType) -> Bool {
        guard dataType == other.dataType, let a = quantization?.grid, let b = other.quantization?.grid else {
            return false
        }
        return a.zeroPoint == b.zeroPoint && a.steps.count == 1 && b.steps.count == 1
            && abs(a.steps[0] - b.steps[0]) <= 1e-6 * a.steps[0]
    }
}

extension Graph {
    /// The codes that a Dequantize makes a float value of.
    func codes(behind value: ValueID?) -> ValueID? {
        guard let value, let producer = producer(of: value), producer.op == "Dequantize",
            let codes = producer.inputs[0],
            self[codes].type?.quantization?.grid != nil
        else { return nil }
        return codes
    }
}

extension GraphPatch {
    /// Removes the Dequantize that gives `value` if nothing will use it any more.
    mutating func removeUnused(_ value: ValueID?, in graph: Graph) {
        guard let value, let producer = graph.producer(of: value), producer.op == "Dequantize",
            !graph.outputs.contains(value), graph[value].uses.allSatisfy({ removes($0.node) })
        else { return }
        if !removes(producer.id) { remove(producer.id) }
    }
}

extension QuantizationGrid {
    /// The range whose codes are those of a grid without zero point.
    func symmetricRange(_ dataType: DataType) -> ValueRange {
        if let range { return range }
        let magnitude = steps[0] * (dataType == .uint8 ? 255.5 : 127.5)
        return ValueRange(dataType == .uint8 ? 0 : -magnitude, magnitude)
    }
}
