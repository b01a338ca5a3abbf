import GraphIR
import TensorCore

@testable import Operators
@testable import Requant

/// Whether every node that works on codes computes what its float brother computes of the values that its input codes
/// stand for. For a result with step s_y, weights with step s_w, data x with step s_x:
///
///     |Δy| ≤ s_y / 2 + Σ |x| · s_w + s_b / 2       after what the codes of y cannot hold was cut off
///
/// Weights are rounded down or up, not always to the nearest code (`WeightRounding`). s_w is max|W'| / 127, of the channel once the layer has its range, of the whole tensor before; MXNet makes it larger
/// where the bias would not fit into half of int32. Parameters that are stored as codes add nothing: they are what their
/// codes say. Only layers with weights have the second term, and activations stretch it by no more than `slope`.
struct CodeBound {
    let quantized: Model
    let float: Model
    let run: Observation

    /// gelu's largest slope is 1.13, selu's 1.76.
    private static let slope: Float = 1.8
    private static let recurrent: Set = ["RNN", "QuantizeAsymmetric"]

    func violations() throws -> [String] {
        let graph = quantized.graph
        return try graph.topologicalOrder().map { graph[$0] }.compactMap { node in
            let hasCodes = (node.inputs.compactMap { $0 } + node.outputs)
                .contains { graph[$0].type?.isQuantized ?? false }
            return hasCodes && !Self.recurrent.contains(node.op)
                ? try locating("node '\(node.name)' (\(node.op))") { try violation(of: node) } : nil
        }
    }

    private func violation(of node: Node) throws -> String? {
        let graph = quantized.graph, output = graph[node.outputs[0]].name
        guard let codes = run.values[output], let actual = run.floats[output]?.floats() else {
            return "'\(output)' was not seen"
        }
        let inputs = node.inputs.map { id in id.flatMap { run.floats[graph[$0].name] } }
        let expected: [Float], spread: [Float]
        if ["Quantize", "Requantize", "Dequantize"].contains(node.op) {
            guard let source = inputs.first ?? nil else { return "its input was not seen" }
            (expected, spread) = (source.floats(), [])
        } else {
            let name = node.name.hasPrefix("quantized_") ? String(node.name.dropFirst("quantized_".count)) : node.name
            guard let brother = float.graph.node(named: name) else { return "has no float brother" }
            func isParameter(_ index: Int) -> Bool {
                brother.inputs[index].map { float.graph[$0].tensor != nil } ?? false
            }
            expected = try brother.evaluate(inputs, isParameter: isParameter)[0].floats()
            // Of codes that are all zero, only the grid tells the step.
            let data = node.inputs.first?.flatMap { $0 }
            let known = data.flatMap { graph[$0].type?.quantization?.grid?.steps.first }
            let dataStep = known ?? data.flatMap { run.step(of: graph[$0].name) } ?? 0
            spread = try WeightRounding(node, brother, inputs, graph, dataStep: dataStep)?.spread() ?? []
        }
        guard expected.count == actual.count else { return "gives \(actual.count) elements, not \(expected.count)" }
        // Nothing is known of a step if all codes are zero.
        let step = run.step(of: output)
        guard codes.dataType == .float32 || step != nil else { return nil }
        let unit = codes.dataType == .float32 ? 0 : step ?? 0
        let limits = codes.dataType.isCode ? codes.dataType.codeLimits : -Float.infinity...Float.infinity
        let slack = 2e-5 * expected.reduce(0) { max($0, abs($1)) } + 1e-3 * unit
        for index in expected.indices {
            let nearest =
                codes.dataType.isCode
                ? min(max(expected[index], limits.lowerBound * unit), limits.upperBound * unit) : expected[index]
            let bound = unit / 2 + Self.slope * (spread.isEmpty ? 0 : spread[index]) + slack
            guard abs(actual[index] - nearest) > bound else { continue }
            return
                "\(node.name) (\(node.op)): element \(index) of '\(output)' (\(codes.dataType)) is \(actual[index]), "
                + "but its inputs give \(expected[index]), ±\(bound)"
        }
        return nil
    }
}

/// How far rounded weights may move the result of a layer.
private struct WeightRounding {
    private let layer: Node
    /// |x|
    private let data: Tensor
    private let weightShape: Shape
    private let weightSteps: [Float]
    private let biasSteps: [Float]

    /// Nil for nodes without weights.
    /// - Parameter dataStep: zero if all of the data are.
    init?(_ node: Node, _ brother: Node, _ inputs: [Tensor?], _ graph: Graph, dataStep: Float) throws {
        guard ["Convolution", "FusedConvolution", "FullyConnected", "FusedFullyConnected"].contains(brother.op),
            let x = inputs[0], let w = inputs[1]
        else { return nil }
        let inner = brother.bodies.first?.nodes.first { $0.op == "Convolution" || $0.op == "FullyConnected" }
        layer = inner ?? brother
        data = Tensor(x.floats().map { abs($0) }, shape: x.shape)
        weightShape = w.shape
        var bias = inputs.count > 2 ? inputs[2] : nil
        var batchNorm: BatchNormStatistics?
        if brother.op == "FusedConvolution" {
            let form = try FusedConvolutionForm(brother)
            bias = form.biasInput.flatMap { inputs[$0] }
            batchNorm = try form.batchNorm.map { attributes in
                let indices = form.batchNormInputs ?? 0..<0
                return try BatchNormStatistics(attributes, parameters: indices.compactMap { inputs[$0] })
            }
        }
        let folded = try FoldedWeights(weights: w, bias: bias, batchNorm: batchNorm)
        let storesCodes = node.inputs[1].flatMap { graph[$0].type?.dataType } == .int8
        // int32 results have one unit for all channels.
        let hasUnits =
            try CalibratedRange.read(node.attributes) != nil
            || node.attributes.boolean(CalibratedRange.floatOutput) == true
        let isChannelWise = try node.attributes.boolean(FusedFullyConnected.channelWise) == true
        let isByChannel = hasUnits && (node.op == "FusedConvolution" || isChannelWise)
        let magnitudes = folded.channelMagnitudes, largest = magnitudes.max() ?? 0
        let steps = magnitudes.map { (isByChannel ? $0 : largest) / 127 }
        let leastSteps = (folded.bias ?? []).map { dataStep == 0 ? 0 : abs($0) / dataStep / Float(1 << 30) }
        let least = isByChannel ? leastSteps : leastSteps.map { _ in leastSteps.max() ?? 0 }
        let actual = steps.indices.map { least.isEmpty ? steps[$0] : max(steps[$0], least[$0]) }
        weightSteps = actual.indices.map { storesCodes && actual[$0] == steps[$0] ? 0 : actual[$0] }
        biasSteps = actual.map { $0 * dataStep }
    }

    /// One for each element of the result.
    func spread() throws -> [Float] {
        let columns = weightShape.elementCount / max(weightShape[0], 1)
        let steps = weightSteps.flatMap { Array(repeating: $0, count: columns) }
        var layer = layer
        layer.attributes["no_bias"] = .text("False")
        let inputs = [data, Tensor(steps, shape: weightShape), Tensor(biasSteps.map { $0 / 2 })]
        return try layer.evaluate(inputs) { $0 > 0 }[0].floats()
    }
}
