import GraphIR
import Operators
import TensorCore

/// How a residual sum is written, which oneDNN rounds once.
public enum ResidualForm: String, Sendable, CaseIterable {
    /// Convolution and addition in float, one rounding behind them: the same codes as oneDNN's.
    case exact
    /// The convolution's result is rounded, too: then ONNX Runtime has integer kernels for everything.
    case runtime
}

/// Operators on codes → float operators between Dequantize and Quantize, the weights and biases of layers as int8 and
/// int32 behind Dequantize: the QDQ form that runtimes turn into integer kernels. `CollapseQDQ` is the way back.
public struct ExpandToQDQ: Pass {
    public let name = "ExpandToQDQ"
    public let summary = "writes operators on codes as float operators between dequantize and quantize"
    private let residual: ResidualForm
    private let arithmetic: Arithmetic

    /// How residual sums are rounded, and which arithmetic is meant.
    public init(residual: ResidualForm, arithmetic: Arithmetic = .exact) {
        self.residual = residual
        self.arithmetic = arithmetic
    }

    public func run(_ context: inout PassContext) throws {
        try context.annotate()
        try refuseUncalibrated(context.graph)
        var expansion = Expansion(residual: residual, arithmetic: arithmetic)
        for id in context.graph.topologicalOrder() where context.graph.contains(id) {
            let node = context.graph[id]
            guard context.graph.hasCodes(node) || node.op == "QuantizeAsymmetric", node.op != "Dequantize" else {
                continue
            }
            try context.apply(try expansion.patch(for: NodeReader(node, in: context.graph)), to: node.name)
            try context.annotate()
        }
    }

    private func refuseUncalibrated(_ graph: Graph) throws {
        let order = graph.topologicalOrder().map { graph[$0] }
        let offenders = order.filter { node in
            node.outputs.contains { graph[$0].type?.quantization == .foundAtRunTime }
                && graph.requantize(behind: node) == nil
        }
        guard offenders.isEmpty else {
            throw ModelError(
                "the ranges of \(offenders.count) nodes are found at run time, which QDQ cannot say: "
                    + offenders.prefix(5).map { "'\($0.name)'" }.joined(separator: ", ")
                    + (offenders.count > 5 ? " …" : ""),
                at: graph.name, advice: "quantize the float model with --data or --ranges, so that they are calibrated")
        }
    }
}

/// The patches for one graph; remembers which codes have a Dequantize already.
private struct Expansion {
    let residual: ResidualForm
    let arithmetic: Arithmetic
    private var dequantized: [ValueID: ValueID] = [:]
    /// How many layers have written a parameter; each quantizes it for its own data.
    private var writtenParameters: [String: Int] = [:]

    init(residual: ResidualForm, arithmetic: Arithmetic) {
        self.residual = residual
        self.arithmetic = arithmetic
    }

    mutating func patch(for node: NodeReader) throws -> GraphPatch {
        var patch = GraphPatch(for: node.graph, "in QDQ form")
        let requantize = node.graph.requantize(behind: node.node)
        let outputs = (requantize ?? node.node).outputs
        let types = try outputs.map { output in
            guard let type = node.graph[output].type else {
                throw ModelError("no QDQ form is known for it", at: node.place)
            }
            return type
        }
        let results =
            switch node.node.op {
            case "FusedConvolution", "FusedFullyConnected": [try layer(node, types[0], &patch)]
            case "QuantizeAsymmetric": [try shiftedCodes(node, types[0], &patch)]
            default: try operation(node, types, &patch)
            }
        for (output, result) in zip(outputs, results) { patch.replace(output, with: result) }
        if let requantize { patch.remove(requantize.id) }
        patch.remove(node.node.id)
        return patch
    }

    /// Any other operator: its float brother, or the one node that it wraps, with Dequantize before the codes that it uses and Quantize behind those
    /// that it gives.
    private mutating func operation(
        _ node: NodeReader, _ types: [ValueType], _ patch: inout GraphPatch
    ) throws -> [ValueID] {
        let name = node.node.origin
        let tensors = types.indices.map { name + (types.count == 1 ? "_output" : "_output\($0)") }
        let inputs = try node.node.inputs.indices.map { index in
            try node.hasInput(index) && node.type(index).isQuantized
                ? float(node, index, &patch) : node.node.inputs[index]
        }
        let inner = node.node.bodies.first.map { body in body.topologicalOrder().map { body[$0] } } ?? []
        let wrapped = inner.count == 1 ? inner[0] : node.node
        let results = patch.add(
            NodeDraft(
                name: name, op: wrapped.op, attributes: floatAttributes(wrapped), inputs: inputs,
                origins: node.node.origins, outputNames: tensors))
        return results.indices.map { index in
            types[index].isQuantized
                ? patch.quantize(results[index], tensors[index], types[index], node.node.origins) : results[index]
        }
    }

    /// Without what only its quantized twin has.
    private func floatAttributes(_ node: Node) -> Attributes {
        var attributes = node.attributes
        var extra = [CalibratedRange.minimum, CalibratedRange.maximum, CalibratedRange.floatOutput]
        if case .quantized(let twin) = OperatorTable.standard[node.op]?.quantization { extra += twin.attributes.keys }
        for name in extra { attributes[name] = nil }
        return attributes
    }

    /// uint8 with a zero point, which ONNX's QuantizeLinear makes as well.
    private func shiftedCodes(
        _ node: NodeReader, _ type: ValueType, _ patch: inout GraphPatch
    ) throws -> ValueID {
        let data = try node.input(0)
        return patch.quantize(data.id, data.name, type, node.node.origins)
    }

    /// - Parameter type: of the layer's result, behind its Requantize if it has one.
    private mutating func layer(
        _ node: NodeReader, _ type: ValueType, _ patch: inout GraphPatch
    ) throws -> ValueID {
        guard let body = node.node.bodies.first else {
            throw ModelError("a fused node without its subgraph", at: node.place)
        }
        let parts = body.topologicalOrder().map { body[$0] }.filter { $0.op != "BatchNorm" }
        let layer = try QuantizedLayer(node, arithmetic: arithmetic)
        var value = try main(parts[0], body, layer, node, &patch)
        var swallowed = originsOfMain(body)
        for part in parts.dropFirst() {
            var inputs: [ValueID?] = [value]
            if part.op == "elemwise_add" {
                if residual == .runtime { inputs = [try rounded(value, swallowed, node, type, &patch)] }
                inputs.append(try float(node, node.node.inputs.count - 1, &patch))
            }
            value =
                patch.add(
                    NodeDraft(
                        name: part.name, op: part.op, attributes: part.attributes, inputs: inputs,
                        outputNames: [body[part.outputs[0]].name]))[0]
            swallowed = [part.name]
        }
        guard type.isQuantized else { return value }
        return patch.quantize(value, "\(node.node.origin)_output", type, node.node.origins)
    }

    /// The convolution or fully connected layer itself, with the BatchNorm folded into its integers.
    private mutating func main(
        _ part: Node, _ body: Graph, _ layer: QuantizedLayer, _ node: NodeReader, _ patch: inout GraphPatch
    ) throws -> ValueID {
        let origins = originsOfMain(body)
        guard part.inputs.count > 1, let weight = part.inputs[1] else {
            throw ModelError("its weights are missing", at: node.place)
        }
        // Inner variables have MXNet's "0" behind the name of the outer one.
        let weightName = body[weight].name
        let stem = weightName.hasSuffix("0") ? String(weightName.dropLast()) : weightName
        let axis = layer.weightSteps.count > 1 ? 0 : nil
        var inputs = [
            try data(node, part, &patch),
            patch.dequantizedParameter(
                unique(stem), layer.weights, QuantizationGrid(steps: layer.weightSteps, axis: axis)),
        ]
        if let bias = layer.bias {
            // The product has to be the same float32 number as the runtime's, or it does not fuse the bias.
            let sourceStep = try sourceGrid(node).steps[0]
            let grid = QuantizationGrid(steps: layer.weightSteps.map { sourceStep * $0 }, axis: axis)
            inputs.append(patch.dequantizedParameter(part.name + "_bias", bias, grid))
        }
        var attributes = part.attributes
        attributes["no_bias"] = .text(layer.bias == nil ? "True" : "False")
        let output = origins.count > 1 ? origins[origins.count - 1] + "_output" : body[part.outputs[0]].name
        return patch.add(
            NodeDraft(
                name: part.name, op: part.op, attributes: attributes, inputs: inputs, origins: origins,
                outputNames: [output]))[0]
    }

    /// The float data of a layer; flat for a fully connected one, whose flattening runtimes do on codes.
    private mutating func data(_ node: NodeReader, _ part: Node, _ patch: inout GraphPatch) throws -> ValueID {
        let data = try float(node, 0, &patch)
        let type = try node.type(0)
        guard part.op == "FullyConnected", try part.attributes.boolean("flatten") ?? true, let shape = type.shape,
            shape.rank > 2
        else { return data }
        let tensor = part.name + "_flat"
        let flat = patch.add(
            NodeDraft(name: part.name + "_flatten", op: "Flatten", inputs: [data], origins: [], outputNames: [tensor]))[
                0]
        return patch.dequantize(patch.quantize(flat, tensor, type, []), tensor, [])
    }

    /// The layer and the BatchNorm that is folded into it.
    private func originsOfMain(_ body: Graph) -> [String] {
        body.topologicalOrder().map { body[$0] }
            .prefix { ["Convolution", "FullyConnected", "BatchNorm"].contains($0.op) }.map(\.name)
    }

    private mutating func unique(_ parameter: String) -> String {
        let count = writtenParameters[parameter, default: 0]
        writtenParameters[parameter] = count + 1
        return count == 0 ? parameter : "\(parameter)_\(count)"
    }

    private func sourceGrid(_ node: NodeReader) throws -> QuantizationGrid {
        guard let grid = try node.type(0).quantization?.grid else {
            throw ModelError("its data is not calibrated", at: node.place)
        }
        return grid
    }

    /// The convolution's result on codes of its own, before the residual is added.
    private func rounded(
        _ value: ValueID, _ origins: [String], _ node: NodeReader, _ sum: ValueType, _ patch: inout GraphPatch
    ) throws -> ValueID {
        let range = try PreSumRange(node, sum: sum).range
        let step = (range.max - range.min) / 255
        let grid = QuantizationGrid(steps: [step], zeroPoint: Int((-range.min / step).rounded()))
        let type = ValueType(.uint8, nil, quantization: .known(grid))
        let tensor = "\(origins.last ?? node.node.name)_output"
        return patch.dequantize(patch.quantize(value, tensor, type, origins), tensor, origins)
    }

    /// The float value of a quantized input.
    private mutating func float(_ node: NodeReader, _ index: Int, _ patch: inout GraphPatch) throws -> ValueID {
        let codes = try node.input(index)
        if let known = dequantized[codes.id] { return known }
        let origins = node.graph.producer(of: codes.id)?.origins ?? [codes.name]
        let value = patch.dequantize(codes.id, QDQNames.tensor(ofQuantizedOutput: codes.name), origins)
        dequantized[codes.id] = value
        return value
    }
}

extension Graph {
    /// The calibrated Requantize that brings a node's int32 sums to codes.
    fileprivate func requantize(behind node: Node) -> Node? {
        guard case .success(let next) = soleConsumer(of: node), next.op == "Requantize",
            self[next.outputs[0]].type?.quantization?.grid != nil
        else { return nil }
        return next
    }
}
