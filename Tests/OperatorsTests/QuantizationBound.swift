import GraphIR
import TensorCore

@testable import Operators

/// How far the result of an example's quantized twin may be from the float result.
///
/// Codes are at most half a step from what they stand for. With steps s_x, s_w, s_r, s_y of data, weights, residual and
/// result, and K products in a sum:
///
///     |Δy| ≤ (‖w‖₁ · s_x + K · max|x| · s_w + ½ · K · s_x · s_w + s_b + s_r + s_y) / 2
///
/// An operator that passes codes through adds nothing to the data's error but the rounding of a mean: s_x/2 + s_x/2.
struct QuantizationBound {
    let value: Float

    init(_ example: ExampleCase) throws {
        let graph = example.graph
        guard let node = graph.nodes.first(where: { $0.op == example.op }) else { throw ModelError("no \(example.op)") }
        // Only a table has no data of its own but indices.
        let data = example.inputs.first ?? Tensor([0] as [Float])
        let dataStep = Self.step(data)
        let result = try example.run().outputs[0]
        let resultStep = Self.step(result)
        switch node.op {
        case "Convolution", "FullyConnected", "FusedConvolution", "FusedFullyConnected": break
        case "elemwise_add":
            value = (dataStep + Self.step(example.inputs[1]) + resultStep) / 2 * Self.slack
            return
        case "elemwise_mul":
            // (a + Δa)(b + Δb) − ab
            let other = example.inputs[1], otherStep = Self.step(other)
            let products = magnitude(data) * otherStep + magnitude(other) * dataStep + dataStep * otherStep / 2
            value = (products + resultStep) / 2 * Self.slack
            return
        case "_sg_mkldnn_selfatt_qk", "_sg_mkldnn_selfatt_valatt":
            // Sums of up to four such products.
            let other = example.inputs.last ?? data, otherStep = Self.step(other)
            let products = magnitude(data) * otherStep + magnitude(other) * dataStep + dataStep * otherStep / 2
            value = (4 * products + resultStep) / 2 * Self.slack
            return
        case "Concat":
            // Once in its own range, once in the common one.
            value = resultStep * Self.slack
            return
        case "BatchNorm":
            let statistics = try BatchNormStatistics(
                node.attributes, parameters: (1...4).map { try NodeReader(node, in: graph).parameter($0) })
            let slope = statistics.alpha.reduce(0) { max($0, abs($1)) }
            value = (slope * dataStep + resultStep) / 2 * Self.slack
            return
        case "Embedding":
            value = Self.step(try NodeReader(node, in: graph).parameter(1)) / 2 * Self.slack
            return
        default:
            value = dataStep * Self.slack
            return
        }
        let reader = NodeReader(node, in: graph)
        let layer = try Self.layer(reader)
        let count = Float(layer.weights.elementCount / layer.weights.shape[0])
        let weights = layer.weights.floats(), columns = Int(count)
        let sums = stride(from: 0, to: weights.count, by: columns).map {
            weights[$0..<$0 + columns].reduce(0) { $0 + abs($1) }
        }
        let weightStep = magnitude(layer.weights) / 127
        let biasStep = (layer.bias.map { $0.reduce(0) { max($0, abs($1)) } / 127 } ?? 0) + dataStep * weightStep
        let residualStep = example.inputs.count > 1 ? Self.step(example.inputs[1]) : 0
        let sum =
            (sums.max() ?? 0) * dataStep + count * magnitude(data) * weightStep + count * dataStep * weightStep / 2
        value = (sum + biasStep + residualStep + resultStep) / 2 * Self.slack
    }

    /// For the rounding of float32 itself, and of ranges to six decimals.
    private static let slack: Float = 1.001

    /// Data without negative values has unsigned codes, or half of the signed ones before a layer is calibrated.
    private static func step(_ tensor: Tensor) -> Float { magnitude(tensor) / 127 }

    /// Weights and bias, BatchNorm folded in.
    private static func layer(_ node: NodeReader) throws -> FoldedWeights {
        guard node.node.op == "FusedConvolution" else {
            return try FoldedWeights(
                weights: node.parameter(1), bias: node.hasInput(2) ? node.parameter(2) : nil, batchNorm: nil)
        }
        let form = try FusedConvolutionForm(node.node)
        let statistics = try form.batchNorm.map { attributes in
            try BatchNormStatistics(
                attributes, parameters: (form.batchNormInputs ?? 0..<0).map { try node.parameter($0) })
        }
        return try FoldedWeights(
            weights: node.parameter(1), bias: form.biasInput.map { try node.parameter($0) }, batchNorm: statistics)
    }
}
