import Comparison
import GraphIR
import Operators
import TensorCore

/// The weights of one layer, as it computes with them.
private struct LayerWeights {
    var layer: String
    var origin: String
    var values: Tensor
    /// Real units per code; empty for float weights.
    var steps: [Float] = []
}

extension Model {
    /// Compares the weights of the layers that both models have, channel by channel. A BatchNorm is folded into the
    /// weights on both sides, since only there are they quantized.
    func weightComparisons(with candidate: Model, _ arithmetic: Arithmetic) throws -> [WeightComparison] {
        let others = Dictionary(try candidate.layerWeights(arithmetic)) { first, _ in first }
        return try layerWeights(arithmetic).compactMap { key, weights in
            guard let other = others[key], other.values.shape == weights.values.shape else { return nil }
            return try WeightComparison(
                origin: weights.origin, names: (weights.layer, other.layer), reference: weights.values,
                candidate: other.values, steps: other.steps)
        }
    }

    /// The weights by the first origin of their layer, the convolution itself: what follows it may be fused or not.
    private func layerWeights(_ arithmetic: Arithmetic) throws -> [(key: String, weights: LayerWeights)] {
        let collapsed = try collapsed()
        // Folds what other models may have folded.
        let model = (try? collapsed.fused().model) ?? collapsed
        return model.graph.topologicalOrder().map { model.graph[$0] }.compactMap { node in
            guard Self.weightedOperators.contains(node.op) else { return nil }
            let reader = NodeReader(node, in: model.graph)
            let key = node.origins.first ?? node.name
            if let layer = try? FloatLayer(reader), (try? reader.type(0).isQuantized) != true {
                return (key, LayerWeights(layer: node.name, origin: node.origin, values: layer.weights))
            }
            guard let layer = try? QuantizedLayer(reader, arithmetic: arithmetic) else { return nil }
            let values = layer.weights.scaledRows(by: layer.weightSteps)
            return (key, LayerWeights(layer: node.name, origin: node.origin, values: values, steps: layer.weightSteps))
        }
    }

    private static let weightedOperators: Set = [
        "Convolution", "FullyConnected", "Deconvolution", "FusedConvolution", "FusedFullyConnected",
    ]
}

extension Tensor {
    /// int8 codes times the step of their row, or times the one step that there is.
    fileprivate func scaledRows(by steps: [Float]) -> Tensor {
        let rows = shape.dimensions.first ?? 1, columns = elementCount / max(rows, 1)
        let codes = elements(as: Int8.self)
        return Tensor(shape: shape, of: Float.self) { target in
            for index in codes.indices {
                let step = steps.count == rows ? steps[index / max(columns, 1)] : steps.first ?? 1
                target.initializeElement(at: index, to: Float(codes[index]) * step)
            }
        }
    }
}
