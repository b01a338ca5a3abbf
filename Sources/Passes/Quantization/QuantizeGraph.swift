import GraphIR
import Operators
import TensorCore

/// MXNet's quantize_graph (src/operator/quantization/quantize_graph_pass.cc): nodes get their quantized twins, float
/// data that they use a Quantize, int32 results a Requantize, and quantized results that float nodes use a Dequantize.
///
/// Parameters that a twin needs as codes are quantized here, with 127 codes over their largest magnitude
/// (quantize-inl.h).
public struct QuantizeGraph: Pass {
    public let name = "QuantizeGraph"
    public let summary = "replaces layers by their int8 twins, with quantize, requantize and dequantize around them"
    private let options: QuantizationOptions
    private let table: OperatorTable

    /// What to quantize, and to what.
    public init(_ options: QuantizationOptions, table: OperatorTable = .standard) {
        self.options = options
        self.table = table
    }

    public func run(_ context: inout PassContext) throws {
        let plan = try QuantizationPlan(context.graph, options, table: table)
        for refusal in plan.refusals { context.refuse(refusal.node, because: refusal.reason) }
        var values = QuantizedValues(names: Set(context.graph.nodes.map(\.name)))
        for id in context.graph.topologicalOrder() {
            guard let twin = plan.twins[id] else { continue }
            try quantize(context.graph[id], twin, &values, &context)
        }
        // From the outputs on, so that no float twin is used any more when it goes.
        for (value, codes) in values.replaced.reversed() {
            try dequantize(value, codes, plan.twins, &context)
        }
    }

    /// The codes of float values, as far as they have been made.
    private struct QuantizedValues {
        var codes: [ValueID: ValueID] = [:]
        /// The same, as uint8 with a zero point.
        var shiftedCodes: [ValueID: ValueID] = [:]
        /// Float results of nodes that were quantized, with their codes, in the order of the nodes.
        var replaced: [(value: ValueID, codes: ValueID)] = []
        /// Of all nodes.
        var names: Set<String>

        mutating func uniqueName(_ name: String) -> String {
            var name = name
            while !names.insert(name).inserted { name += "_" }
            return name
        }
    }

    private func quantize(
        _ node: Node, _ twin: QuantizedTwin, _ values: inout QuantizedValues, _ context: inout PassContext
    ) throws {
        var patch = GraphPatch(for: context.graph, "quantized")
        var attributes = node.attributes
        let isChannelWise = options.granularity == .channelWise && twin.supportsChannelWise
        if isChannelWise { attributes["channel_wise_quantize"] = .text("True") }
        for (name, value) in twin.attributes { attributes[name] = value }
        var inputs = node.inputs
        for index in twin.codeInputs(node, isChannelWise) where inputs.indices.contains(index) {
            try requireParameter(index, of: node, context.graph)
            inputs[index] = try inputs[index].map { input in
                try twin.isAsymmetric
                    ? shiftedCodes(of: input, &values, &patch, context.graph)
                    : codes(of: input, &values, &patch, context.graph)
            }
        }
        var results = patch.add(
            NodeDraft(
                name: QuantizedNames.node(node.name), op: node.op, attributes: attributes, inputs: inputs,
                bodies: node.bodies, origins: node.origins,
                outputNames: QuantizedNames.outputs(of: node, in: context.graph)))
        switch twin.result {
        case .float:
            for (old, new) in zip(node.outputs, results) { patch.replace(old, with: new) }
            patch.remove(node.id)
            try context.apply(patch, to: node.name)
            return
        case .sums:
            results = patch.add(
                NodeDraft(
                    name: QuantizedNames.requantize(node.name), op: "Requantize", attributes: outType,
                    inputs: [results[0]], origins: node.origins))
        case .codes, .calibratedCodes: break
        }
        guard try context.apply(patch, to: node.name) else { return }
        values.codes[node.outputs[0]] = results[0]
        values.replaced.append((node.outputs[0], results[0]))
    }

    /// A parameter that no file gave would be taken for data.
    private func requireParameter(_ index: Int, of node: Node, _ graph: Graph) throws {
        guard let input = node.inputs[index], case .input = graph[input].source,
            table[node.op]?.mxnet?.parameterInputs(node).contains(index) ?? false
        else { return }
        throw ModelError(
            "has to be a stored parameter to be quantized", at: "'\(graph[input].name)'",
            advice: "check that the .params file belongs to this symbol")
    }

    private var outType: Attributes { ["out_type": .text(options.codeType.rawValue)] }

    /// The codes of a float value: those that its node now gives, those of a parameter, or those of a new Quantize.
    private func codes(
        of value: ValueID, _ values: inout QuantizedValues, _ patch: inout GraphPatch, _ graph: Graph
    ) throws -> ValueID {
        if let known = values.codes[value] { return known }
        let codes: ValueID
        if let tensor = graph[value].tensor {
            let (elements, range) = Self.quantizeParameter(tensor)
            codes = patch.addParameter(
                QuantizedNames.quantize(graph[value].name), elements,
                quantization: .known(QuantizationGrid(parameterRange: range, codeLimit: ParameterCodes.whole)))
        } else {
            codes = patch.add(quantizing("Quantize", value, outType, &values, graph))[0]
        }
        values.codes[value] = codes
        return codes
    }

    private func shiftedCodes(
        of value: ValueID, _ values: inout QuantizedValues, _ patch: inout GraphPatch, _ graph: Graph
    ) throws -> ValueID {
        if let known = values.shiftedCodes[value] { return known }
        let codes = patch.add(quantizing("QuantizeAsymmetric", value, [:], &values, graph))[0]
        values.shiftedCodes[value] = codes
        return codes
    }

    private func quantizing(
        _ op: String, _ value: ValueID, _ attributes: Attributes, _ values: inout QuantizedValues, _ graph: Graph
    ) -> NodeDraft {
        NodeDraft(
            name: values.uniqueName(QuantizedNames.quantize(mxnetName(of: value, in: graph))), op: op,
            attributes: attributes, inputs: [value],
            origins: graph.producer(of: value)?.origins ?? [graph[value].name])
    }

    /// `conv0_output`, or `clip0_0` where MXNet counts an operator's outputs instead of naming them.
    private func mxnetName(of value: ValueID, in graph: Graph) -> String {
        guard let node = graph.producer(of: value) else { return graph[value].name }
        let output = MXNetOutputNames.name(
            of: graph[value].outputIndex, table[node.op]?.mxnet?.names.first ?? node.op, count: node.outputs.count)
        return "\(node.name)_\(output)"
    }

    /// `_contrib_quantize` of int8 on the CPU: round(x · 127 / magnitude), range ± magnitude.
    static func quantizeParameter(_ tensor: Tensor) -> (codes: Tensor, range: ValueRange) {
        let values = tensor.floats()
        let magnitude = values.reduce(0) { max($0, abs($1)) }
        let scale = magnitude == 0 ? Float(Int32.max) : 127 / magnitude
        let codes = values.map { Int8(min(max(($0 * scale).rounded(.toNearestOrEven), -128), 127)) }
        return (Tensor(codes, shape: tensor.shape), ValueRange(-magnitude, magnitude))
    }

    /// Float users of a node that was quantized get a Dequantize; the float node goes.
    private func dequantize(
        _ value: ValueID, _ codes: ValueID, _ twins: [NodeID: QuantizedTwin], _ context: inout PassContext
    ) throws {
        let graph = context.graph
        guard graph.contains(value), let node = graph.producer(of: value) else { return }
        var patch = GraphPatch(for: graph, "int8")
        // The float brothers of quantized nodes go themselves.
        let isNeeded = graph.outputs.contains(value) || graph[value].uses.contains { twins[$0.node] == nil }
        if isNeeded {
            patch.summary = "float again for the nodes that use it"
            let float = patch.add(
                NodeDraft(
                    name: QuantizedNames.dequantize(node.name), op: "Dequantize", inputs: [codes], origins: node.origins
                ))[0]
            patch.replace(value, with: float)
        }
        patch.remove(node.id)
        try context.apply(patch, to: node.name)
    }
}
