import GraphIR
import Operators
import TensorCore

/// MXNet's quantize_graph (src/operator/quantization/quantize_graph_pass.cc): nodes get their quantized twins, float
/// data that they use a Quantize, int32 results a Requantize, and quantized results that float nodes use a Dequantize.
///
/// Parameters that a layer stores as int8 are quantized here, with 127 codes over their largest magnitude
/// (quantize-inl.h).
public struct QuantizeGraph: Pass {
    public let name = "QuantizeGraph"
    public let summary = "replaces layers by their int8 twins, with quantize, requantize and dequantize around them"
    private let options: QuantizationOptions
    private let table: OperatorTable

    public init(_ options: QuantizationOptions, table: OperatorTable = .standard) {
        self.options = options
        self.table = table
    }

    public func run(_ context: inout PassContext) throws {
        let plan = try QuantizationPlan(context.graph, options, table: table)
        for refusal in plan.refusals { context.refuse(refusal.node, because: refusal.reason) }
        var codes = QuantizedValues()
        for id in context.graph.topologicalOrder() where plan.quantized.contains(id) {
            try quantize(context.graph[id], &codes, &context)
        }
        // From the outputs on, so that no float twin is used any more when it goes.
        for (value, quantized) in codes.replaced.reversed() {
            try dequantize(value, quantized, plan.quantized, &context)
        }
    }

    /// The codes of float values, as far as they have been made.
    private struct QuantizedValues {
        var codes: [ValueID: ValueID] = [:]
        /// Float results of nodes that were quantized, with their codes, in the order of the nodes.
        var replaced: [(value: ValueID, codes: ValueID)] = []
    }

    private func quantize(_ node: Node, _ values: inout QuantizedValues, _ context: inout PassContext) throws {
        let definition = try table.definition(of: node.op)
        let twin = QuantizedNames.node(node.name)
        var patch = GraphPatch(for: context.graph, "quantized")
        var inputs = node.inputs
        var attributes = node.attributes
        var hasSums = false
        var quantizedInputs = [0]
        if case .weighted(let rule) = definition.quantization {
            hasSums = true
            quantizedInputs = rule.quantizedInputs(node)
            let channelWise = options.granularity == .channelWise && rule.supportsChannelWise
            if channelWise { attributes["channel_wise_quantize"] = .text("True") }
            attributes["quantized"] = .text(rule.quantizedFlag)
            for index in channelWise ? [] : rule.offlineInputs(node) {
                inputs[index] = try inputs[index].map { try offline($0, &values, &patch, context.graph) }
            }
        }
        for index in quantizedInputs {
            inputs[index] = inputs[index].map { codes(of: $0, &values, &patch, context.graph) }
        }
        var result = patch.add(
            NodeDraft(
                name: twin, op: node.op, attributes: attributes, inputs: inputs, bodies: node.bodies,
                origins: node.origins))[0]
        if hasSums {
            result =
                patch.add(
                    NodeDraft(
                        name: QuantizedNames.requantize(node.name), op: "Requantize", attributes: outType,
                        inputs: [result],
                        origins: node.origins))[0]
        }
        guard try context.apply(patch, to: node.name) else { return }
        values.codes[node.outputs[0]] = result
        values.replaced.append((node.outputs[0], result))
    }

    private var outType: Attributes { ["out_type": .text(options.codeType.rawValue)] }

    /// The codes of a float value: those that its node now gives, or those of a new Quantize.
    private func codes(
        of value: ValueID, _ values: inout QuantizedValues, _ patch: inout GraphPatch, _ graph: Graph
    ) -> ValueID {
        if let known = values.codes[value] { return known }
        let origins = graph.producer(of: value)?.origins ?? [graph[value].name]
        let codes = patch.add(
            NodeDraft(
                name: QuantizedNames.quantize(graph[value].name), op: "Quantize", attributes: outType, inputs: [value],
                origins: origins))[0]
        values.codes[value] = codes
        return codes
    }

    /// An int8 twin of a parameter.
    private func offline(
        _ value: ValueID, _ values: inout QuantizedValues, _ patch: inout GraphPatch, _ graph: Graph
    ) throws -> ValueID {
        if let known = values.codes[value] { return known }
        guard let tensor = graph[value].tensor else {
            throw ModelError(
                "has to be a stored parameter to be quantized", at: "'\(graph[value].name)'",
                advice: "check that the .params file belongs to this symbol")
        }
        let (codes, range) = Self.quantizeParameter(tensor)
        let id = patch.addParameter(
            QuantizedNames.quantize(graph[value].name), codes,
            quantization: .known(QuantizationGrid(parameterRange: range, codeLimit: ParameterCodes.whole)))
        values.codes[value] = id
        return id
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
        _ value: ValueID, _ codes: ValueID, _ quantized: Set<NodeID>, _ context: inout PassContext
    ) throws {
        let graph = context.graph
        guard graph.contains(value), let node = graph.producer(of: value) else { return }
        var patch = GraphPatch(for: graph, "int8")
        let isNeeded = graph.outputs.contains(value) || graph[value].uses.contains { !quantized.contains($0.node) }
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
