import GraphIR
import Operators
import TensorCore

/// A layer with its surroundings, found from its convolution or fully connected node.
struct QDQLayer {
    let graph: Graph
    /// The layer, its additions and activations, in order.
    private(set) var chain: [Node]
    private var source: ValueID
    private var parameters: LayerParameters
    private var residual: ValueID?
    private let dropsInnerRounding: Bool
    /// For the addition: the operand that is not the chain.
    private var skipped: [Node] = []
    private var quantize: Node?
    private var flatten: Node?
    private var flattenOfCodes: Node?

    var hasInnerRounding: Bool { !skipped.isEmpty }

    init?(from node: Node, in graph: Graph, _ dropsInnerRounding: Bool) {
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
        guard var source = graph.codes(behind: data), let type = graph[source].type, type.dataType.isCode,
            let grid = type.quantization?.grid, grid.steps.count == 1
        else { return nil }
        // A flattening of codes, which the layer does by itself.
        if node.op == "FullyConnected", flatten == nil, let producer = graph.producer(of: source),
            producer.op == "Flatten",
            graph[source].uses.count == 1, let codes = producer.inputs[0]
        {
            flattenOfCodes = producer
            source = codes
        }
        self.source = source
        guard let parameters = LayerParameters(of: node, in: graph, sourceStep: grid.steps[0]) else { return nil }
        self.parameters = parameters
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
                if graph[next.outputs[0]].type?.quantization?.grid?.steps.count == 1 { quantize = next }
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
        guard others.count == 1, let codes = graph.codes(behind: others[0]), graph[codes].tensor == nil,
            graph[codes].type?.quantization?.grid?.steps.count == 1
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
        if let quantize, let type = graph[quantize.outputs[0]].type {
            attributes.merge(type.layerAttributes(isNonNegative: chain.last?.op == "Activation")) { _, new in new }
        } else {
            attributes["enable_float_output"] = .text("True")
        }
        let name = "quantized_sg_mkldnn_\(isConvolution ? "conv" : "fully_connected")_\(parts)\(number)"
        var patch = GraphPatch(for: graph, "\(chain.map(\.name).joined(separator: " + ")) → \(name)")
        let stored = parameters.add(to: &patch)
        let output = patch.add(
            NodeDraft(
                name: name, op: isConvolution ? "FusedConvolution" : "FusedFullyConnected", attributes: attributes,
                inputs: [source] + stored + (residual.map { [$0] } ?? []), bodies: [body(name)],
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
            var attributes = node.attributes
            if node.id == chain[0].id {
                inputs += parameters.names.map { body.addInput($0 + "0") }
                attributes["no_bias"] = .text(parameters.names.count == 1 ? "True" : "False")
                if flatten != nil || flattenOfCodes != nil { attributes["flatten"] = .text("True") }
            } else if node.op == "elemwise_add", let residual {
                // MXNet gives a subgraph an input for each use.
                inputs.append(body.addInput(graph[residual].name + (residual == source ? "1" : "0")))
            }
            // A BatchNorm that was folded into the last node: its result is what the layer's is compared with.
            let name = node.id == chain[chain.count - 1].id ? node.origin : node.name
            let id = body.add(
                NodeDraft(
                    name: name, op: node.op, attributes: attributes, inputs: inputs,
                    outputNames: [graph[node.outputs[0]].name]))
            value = body[id].outputs[0]
        }
        body.setOutputs([value])
        return body
    }
}

extension ValueType {
    /// How a layer says that it ends in these codes: with MXNet's range, if that means the same, else with the grid.
    /// - Parameter isNonNegative: whether the layer ends in an activation that makes MXNet take uint8.
    func layerAttributes(isNonNegative: Bool) -> Attributes {
        guard let grid = quantization?.grid else { return [:] }
        guard grid.zeroPoint == 0, dataType == (isNonNegative ? .uint8 : .int8) else {
            return [
                "out_type": .text(dataType.rawValue), "step": .number(Double(grid.steps[0])),
                "zero_point": .integer(grid.zeroPoint),
            ]
        }
        let range = grid.symmetricRange(dataType)
        return [
            CalibratedRange.minimum: .number(Double(range.min)), CalibratedRange.maximum: .number(Double(range.max)),
        ]
    }
}
