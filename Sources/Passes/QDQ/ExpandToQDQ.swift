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

/// Quantized layers → float layers between Dequantize and Quantize, with int8 weights and int32 biases behind
/// Dequantize: the QDQ form that runtimes turn into integer kernels. `CollapseQDQ` is the way back.
public struct ExpandToQDQ: Pass {
    public let name = "ExpandToQDQ"
    public let summary = "writes quantized layers as float layers between dequantize and quantize"
    private let residual: ResidualForm
    private let arithmetic: Arithmetic

    public init(residual: ResidualForm, arithmetic: Arithmetic = .exact) {
        self.residual = residual
        self.arithmetic = arithmetic
    }

    public func run(_ context: inout PassContext) throws {
        try context.annotate { try TypeInference().annotate(&$0) }
        try refuseUncalibrated(context.graph)
        var expansion = Expansion(residual: residual, arithmetic: arithmetic)
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard let data = node.inputs.first ?? nil, context.graph[data].type?.isQuantized ?? false else { continue }
            guard node.op != "Dequantize" else { continue }
            guard let patch = try expansion.patch(for: NodeReader(node, in: context.graph)) else { continue }
            try context.apply(patch, to: node.name)
            try context.annotate { try TypeInference().annotate(&$0) }
        }
    }

    private func refuseUncalibrated(_ graph: Graph) throws {
        let order = graph.topologicalOrder().map { graph[$0] }
        let offenders = order.filter {
            $0.op == "Requantize" || $0.outputs.contains { graph[$0].type?.quantization == .foundAtRunTime }
        }
        guard offenders.isEmpty else {
            throw ModelError(
                "the ranges of \(offenders.count) nodes are found at run time, which QDQ cannot say: "
                    + offenders.prefix(5).map { "'\($0.name)'" }.joined(separator: ", ") + (offenders.count > 5 ? " …" : ""),
                at: graph.name, advice: "quantize the float model with --data or --ranges, so that they are calibrated")
        }
    }
}

/// The patches for one graph; remembers which codes have a Dequantize already.
private struct Expansion {
    let residual: ResidualForm
    let arithmetic: Arithmetic
    private var dequantized: [ValueID: ValueID] = [:]

    init(residual: ResidualForm, arithmetic: Arithmetic) {
        self.residual = residual
        self.arithmetic = arithmetic
    }

    mutating func patch(for node: NodeReader) throws -> GraphPatch? {
        var patch = GraphPatch(for: node.graph, "in QDQ form")
        let result =
            switch node.node.op {
            case "FusedConvolution", "FusedFullyConnected": try layer(node, &patch)
            default: try passThrough(node, &patch)
            }
        patch.replace(node.node.outputs[0], with: result)
        patch.remove(node.node.id)
        return patch
    }

    /// An operator that keeps the grid: the float operator between Dequantize and Quantize.
    private mutating func passThrough(_ node: NodeReader, _ patch: inout GraphPatch) throws -> ValueID {
        guard let type = node.graph[node.node.outputs[0]].type, type.quantization?.grid != nil else {
            throw ModelError("no QDQ form is known for it", at: node.place)
        }
        let tensor = node.node.origin + "_output"
        let float = patch.add(
            NodeDraft(
                name: node.node.origin, op: node.node.op, attributes: node.node.attributes,
                inputs: [try float(node, 0, &patch)], origins: node.node.origins, outputNames: [tensor]))[0]
        return quantize(float, tensor, type, node.node.origins, &patch)
    }

    private mutating func layer(_ node: NodeReader, _ patch: inout GraphPatch) throws -> ValueID {
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
                if residual == .runtime { inputs = [try rounded(value, swallowed, node, &patch)] }
                inputs.append(try float(node, node.node.inputs.count - 1, &patch))
            }
            value =
                patch.add(
                    NodeDraft(
                        name: part.name, op: part.op, attributes: part.attributes, inputs: inputs,
                        outputNames: [body[part.outputs[0]].name]))[0]
            swallowed = [part.name]
        }
        guard let type = node.graph[node.node.outputs[0]].type, type.isQuantized else { return value }
        return quantize(value, "\(node.node.origin)_output", type, node.node.origins, &patch)
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
            parameter(stem, layer.weights, QuantizationGrid(steps: layer.weightSteps, axis: axis), &patch),
        ]
        if let bias = layer.bias {
            // The product has to be the same float32 number as the runtime's, or it does not fuse the bias.
            let sourceStep = try sourceGrid(node).steps[0]
            let grid = QuantizationGrid(steps: layer.weightSteps.map { sourceStep * $0 }, axis: axis)
            inputs.append(parameter(part.name + "_bias", bias, grid, &patch))
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
        return dequantize(quantize(flat, tensor, type, [], &patch), tensor, [], &patch)
    }

    /// The layer and the BatchNorm that is folded into it.
    private func originsOfMain(_ body: Graph) -> [String] {
        body.topologicalOrder().map { body[$0] }.prefix { $0.op != "elemwise_add" && $0.op != "Activation" }.map(\.name)
    }

    private func sourceGrid(_ node: NodeReader) throws -> QuantizationGrid {
        guard let grid = try node.type(0).quantization?.grid else {
            throw ModelError("its data is not calibrated", at: node.place)
        }
        return grid
    }

    /// The convolution's result on codes of its own, before the residual is added.
    private func rounded(
        _ value: ValueID, _ origins: [String], _ node: NodeReader, _ patch: inout GraphPatch
    ) throws -> ValueID {
        let range = try PreSumRange(node).range
        let step = (range.max - range.min) / 255
        let grid = QuantizationGrid(steps: [step], zeroPoint: Int((-range.min / step).rounded()))
        let type = ValueType(.uint8, nil, quantization: .known(grid))
        let tensor = "\(origins.last ?? node.node.name)_output"
        let codes = quantize(value, tensor, type, origins, &patch)
        return dequantize(codes, tensor, origins, &patch)
    }

    // MARK: Q and DQ

    private func parameter(
        _ name: String, _ codes: Tensor, _ grid: QuantizationGrid, _ patch: inout GraphPatch
    ) -> ValueID {
        let value = patch.addParameter(QDQNames.parameter(name), codes, quantization: .known(grid))
        return dequantize(value, name, [name], &patch)
    }

    /// The float value of a quantized input.
    private mutating func float(_ node: NodeReader, _ index: Int, _ patch: inout GraphPatch) throws -> ValueID {
        let codes = try node.input(index)
        if let known = dequantized[codes.id] { return known }
        let origins = node.graph.producer(of: codes.id)?.origins ?? [codes.name]
        let value = dequantize(codes.id, QDQNames.tensor(ofQuantizedOutput: codes.name), origins, &patch)
        dequantized[codes.id] = value
        return value
    }

    private func dequantize(
        _ codes: ValueID, _ tensor: String, _ origins: [String], _ patch: inout GraphPatch
    ) -> ValueID {
        patch.add(
            NodeDraft(
                name: QDQNames.dequantizeNode(tensor), op: "Dequantize", inputs: [codes], origins: origins,
                outputNames: [QDQNames.dequantizedOutput(tensor)]))[0]
    }

    private func quantize(
        _ value: ValueID, _ tensor: String, _ type: ValueType, _ origins: [String], _ patch: inout GraphPatch
    ) -> ValueID {
        patch.add(
            NodeDraft(
                name: QDQNames.quantizeNode(tensor), op: "Quantize", attributes: type.gridAttributes, inputs: [value],
                origins: origins, outputNames: [QDQNames.quantizedOutput(tensor)]))[0]
    }
}

extension ValueType {
    /// The attributes of a Quantize that gives this type.
    var gridAttributes: Attributes {
        var attributes: Attributes = ["out_type": .text(dataType.rawValue)]
        guard let grid = quantization?.grid else { return attributes }
        if let range = grid.range {
            attributes[CalibratedRange.minimum] = .number(Double(range.min))
            attributes[CalibratedRange.maximum] = .number(Double(range.max))
        } else {
            attributes["step"] = .number(Double(grid.steps[0]))
            attributes["zero_point"] = .integer(grid.zeroPoint)
        }
        return attributes
    }
}
