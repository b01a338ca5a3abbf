import GraphIR
import Operators
import TensorCore

/// Float layers between Dequantize and Quantize → quantized layers: what `ExpandToQDQ` wrote, or another tool.
///
///     Dequantize → Convolution [→ Activation] [→ elemwise_add(Dequantize) [→ Activation]] → Quantize
///     Dequantize → [Flatten →] FullyConnected [→ Activation] [→ Quantize]
///     Dequantize → Pooling, Flatten, Activation → Quantize, both on one grid
///
/// A Quantize and Dequantize between a convolution and its addition is the extra rounding that runtimes want. MXNet and
/// oneDNN round such a sum once: with `dropsInnerRounding` it is dropped; without, the layer stays as the file has it.
public struct CollapseQDQ: Pass {
    public let name = "CollapseQDQ"
    public let summary = "makes quantized layers of float layers between dequantize and quantize"

    /// What a record says of a layer whose inner rounding was dropped.
    public static let droppedRounding = "the rounding before its addition is dropped"
    private let dropsInnerRounding: Bool

    public init(dropsInnerRounding: Bool) { self.dropsInnerRounding = dropsInnerRounding }

    public func run(_ context: inout PassContext) throws {
        var numbers: [String: Int] = [:]
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let node = context.graph[id]
            switch node.op {
            case "Convolution", "FullyConnected":
                let kind = node.op == "Convolution" ? "conv" : "fully_connected"
                guard let layer = try QDQLayer(from: node, in: context.graph, dropsInnerRounding) else {
                    context.refuse(
                        node.name, because: "it is not between dequantize and quantize, or its grids are not symmetric")
                    continue
                }
                try context.apply(layer.patch(number: numbers[kind, default: 0]), to: node.name)
                if layer.hasInnerRounding { context.refuse(node.name, because: Self.droppedRounding) }
                numbers[kind, default: 0] += 1
            case "Pooling", "Flatten", "Activation":
                guard let patch = passThrough(node, context.graph) else { continue }
                try context.apply(patch, to: node.name)
            default: continue
            }
            try context.annotate { try TypeInference().annotate(&$0) }
        }
        try setRanges(&context)
    }

    /// An operator that keeps the grid moves onto the codes.
    private func passThrough(_ node: Node, _ graph: Graph) -> GraphPatch? {
        guard let codes = graph.codes(behind: node.inputs[0]),
            case .success(let quantize) = graph.soleConsumer(of: node),
            quantize.op == "Quantize", let type = graph[codes].type, let result = graph[quantize.outputs[0]].type,
            type.dataType == result.dataType, let a = type.quantization?.grid, let b = result.quantization?.grid,
            a.zeroPoint == b.zeroPoint, abs(a.steps[0] - b.steps[0]) <= 1e-6 * a.steps[0]
        else { return nil }
        var patch = GraphPatch(for: graph, "on codes")
        let output = patch.add(
            NodeDraft(
                name: QuantizedNames.node(node.name), op: node.op, attributes: node.attributes, inputs: [codes],
                origins: node.origins))[0]
        patch.replace(quantize.outputs[0], with: output)
        patch.remove(quantize.id)
        patch.remove(node.id)
        patch.removeUnused(node.inputs[0], in: graph)
        return patch
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

/// A layer with its surroundings, found from its convolution or fully connected node.
private struct QDQLayer {
    let graph: Graph
    /// The layer, its additions and activations, in order.
    private(set) var chain: [Node]
    private var source: ValueID
    private var parameters: [ValueID] = []
    private var residual: ValueID?
    private let dropsInnerRounding: Bool
    /// For the addition: the operand that is not the chain.
    private var skipped: [Node] = []
    private var quantize: Node?
    private var flatten: Node?
    private var flattenOfCodes: Node?

    var hasInnerRounding: Bool { !skipped.isEmpty }

    init?(from node: Node, in graph: Graph, _ dropsInnerRounding: Bool) throws {
        self.graph = graph
        self.dropsInnerRounding = dropsInnerRounding
        chain = [node]
        var data = node.inputs[0]
        if node.op == "FullyConnected", let producer = data.flatMap({ graph.producer(of: $0) }),
            producer.op == "Flatten",
            graph[producer.outputs[0]].uses.count == 1
        {
            flatten = producer
            data = producer.inputs[0]
        }
        guard var source = graph.codes(behind: data), graph[source].type?.quantization?.grid?.zeroPoint == 0 else {
            return nil
        }
        // A flattening of codes, which the layer does by itself.
        if node.op == "FullyConnected", flatten == nil, let producer = graph.producer(of: source),
            producer.op == "Flatten",
            graph[source].uses.count == 1, let codes = producer.inputs[0]
        {
            flattenOfCodes = producer
            source = codes
        }
        self.source = source
        for input in node.inputs.dropFirst() {
            guard let codes = graph.codes(behind: input), graph[codes].tensor != nil,
                graph[codes].type?.quantization?.grid?.zeroPoint == 0
            else { return nil }
            parameters.append(codes)
        }
        guard let weights = parameters.first, graph[weights].type?.dataType == .int8 else { return nil }
        follow()
        // A convolution has to end in codes; a fully connected layer may give float.
        if quantize == nil {
            guard node.op == "FullyConnected" else { return nil }
            chain = [node]
        }
    }

    /// Follows the chain of sole consumers up to a Quantize.
    private mutating func follow() {
        while let last = chain.last, case .success(let next) = graph.soleConsumer(of: last) {
            if next.op == "Quantize" {
                if let sum = additionBehind(next), let other = residualOf(sum, [next.outputs[0]]) {
                    skipped.append(next)
                    residual = other
                    chain.append(sum)
                    continue
                }
                if graph[next.outputs[0]].type?.quantization?.grid?.zeroPoint == 0 { quantize = next }
                return
            }
            if next.op == "elemwise_add", residual == nil, chain[0].op == "Convolution",
                let other = residualOf(next, [last.outputs[0]])
            {
                residual = other
            } else if next.op != "Activation" || next.attributes.text("act_type") != "relu" {
                return
            }
            chain.append(next)
        }
    }

    /// The addition that alone uses codes, behind a Dequantize of their own.
    private func additionBehind(_ quantize: Node) -> Node? {
        guard dropsInnerRounding, residual == nil, chain[0].op == "Convolution", chain.count == 1,
            case .success(let dequantize) = graph.soleConsumer(of: quantize), dequantize.op == "Dequantize",
            case .success(let sum) = graph.soleConsumer(of: dequantize), sum.op == "elemwise_add"
        else { return nil }
        return sum
    }

    /// The codes of an addition's other operand. Where both could be the chain, the one that is not.
    private func residualOf(_ sum: Node, _ chainValues: [ValueID]) -> ValueID? {
        let others = sum.inputs.compactMap { $0 }.filter { input in
            guard let producer = graph.producer(of: input) else { return true }
            return !chainValues.contains(input)
                && !(producer.op == "Dequantize" && producer.inputs[0].map(chainValues.contains) ?? false)
        }
        guard others.count == 1, let codes = graph.codes(behind: others[0]),
            graph[codes].type?.quantization?.grid?.zeroPoint == 0
        else { return nil }
        return codes
    }

    func patch(number: Int) -> GraphPatch {
        let isConvolution = chain[0].op == "Convolution"
        let activation = chain.last { $0.op == "Activation" }
        var attributes: Attributes = ["quantized": .text(isConvolution ? "true" : "True")]
        var parts = ""
        if isConvolution {
            if residual != nil { attributes["with_sum"] = .text("true") }
            if activation != nil { attributes[residual == nil ? "with_act" : "with_postsum_act"] = .text("true") }
            parts = (residual == nil ? "" : "add_") + (activation == nil ? "" : "act_")
        } else if activation != nil {
            attributes["with_eltwise"] = .text("True")
            parts = "eltwise_"
        }
        if let quantize, let type = graph[quantize.outputs[0]].type, let grid = type.quantization?.grid {
            let range = grid.symmetricRange(type.dataType)
            attributes[CalibratedRange.minimum] = .number(Double(range.min))
            attributes[CalibratedRange.maximum] = .number(Double(range.max))
        } else {
            attributes["enable_float_output"] = .text("True")
        }
        let name = "quantized_sg_mkldnn_\(isConvolution ? "conv" : "fully_connected")_\(parts)\(number)"
        var patch = GraphPatch(for: graph, "\(chain.map(\.name).joined(separator: " + ")) → \(name)")
        let output = patch.add(
            NodeDraft(
                name: name, op: isConvolution ? "FusedConvolution" : "FusedFullyConnected", attributes: attributes,
                inputs: [source] + parameters + (residual.map { [$0] } ?? []), bodies: [body(name)],
                origins: chain.flatMap(\.origins)))[0]
        patch.replace(quantize?.outputs[0] ?? chain[chain.count - 1].outputs[0], with: output)
        remove(from: &patch)
        return patch
    }

    /// The nodes go from the end on, and what only they used.
    private func remove(from patch: inout GraphPatch) {
        if let quantize { patch.remove(quantize.id) }
        for node in chain.reversed() {
            patch.remove(node.id)
            for rounding in skipped where node.op == "elemwise_add" {
                if case .success(let dequantize) = graph.soleConsumer(of: rounding) { patch.remove(dequantize.id) }
                patch.remove(rounding.id)
            }
        }
        if let flatten { patch.remove(flatten.id) }
        var inputs = chain.flatMap(\.inputs)
        if let flatten { inputs += flatten.inputs }
        for input in Set(inputs.compactMap { $0 }).sorted() { patch.removeUnused(input, in: graph) }
        if let flattenOfCodes { patch.remove(flattenOfCodes.id) }
    }

    /// What the fused node swallowed, the chain's operand first in the addition.
    private func body(_ name: String) -> Graph {
        var body = Graph(name: name)
        let data = body.addInput(graph[source].name + "0")
        var value = data
        for node in chain {
            var inputs: [ValueID?] = [value]
            if node.id == chain[0].id {
                inputs += parameters.map { body.addInput(graph[$0].name + "0") }
            } else if node.op == "elemwise_add", let residual {
                inputs.append(residual == source ? data : body.addInput(graph[residual].name + "0"))
            }
            let id = body.add(
                NodeDraft(
                    name: node.name, op: node.op, attributes: node.attributes, inputs: inputs,
                    outputNames: [graph[node.outputs[0]].name]))
            value = body[id].outputs[0]
        }
        body.setOutputs([value])
        return body
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
