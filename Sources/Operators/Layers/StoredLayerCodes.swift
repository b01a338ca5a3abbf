import GraphIR
import TensorCore

/// The int8 weights and bias that a layer is stored with, as mkldnn_fc.cc uses them:
///
///     bias sums = round(bias code · s_x · s_w / s_b)
///
/// with s_x, s_w, s_b codes per unit of data, weights and bias. Where that would take more than half of int32, the
/// weights are made smaller.
struct StoredLayerCodes {
    let node: NodeReader
    let hasBias: Bool

    private func grid(_ input: Int) throws -> QuantizationGrid {
        guard let grid = try node.type(input).quantization?.grid else {
            throw ModelError("'\(try node.input(input).name)' is int8, but its range is not known")
        }
        return grid
    }

    /// int8 parameters were made with 127 codes over the larger end of their range (quantize-inl.h); MXNet's layer reads
    /// them as if it had been 127.5, which makes its results 0.39 % small.
    private func codesPerUnit(_ input: Int, _ arithmetic: Arithmetic) throws -> Float {
        let grid = try grid(input)
        guard let range = grid.range else { return 1 / grid.steps[0] }
        return ParameterCodes.codesPerUnit(range, of: try node.input(input).attributes, arithmetic)
    }

    /// The larger end of the weights' range.
    func weightMagnitude(_ codesPerUnit: Float) throws -> Float {
        try node.type(1).quantization?.grid?.range?.magnitude ?? 127.5 / codesPerUnit
    }

    func floatBias(_ arithmetic: Arithmetic) throws -> Tensor {
        let bias = try node.parameter(2)
        guard bias.dataType == .int8 else { return bias.asFloat32() }
        let scale = try codesPerUnit(2, arithmetic)
        return Tensor(bias.elements(as: Int8.self).map { Float($0) / scale })
    }

    func weightCodes(_ sourceScale: Float, _ arithmetic: Arithmetic) throws -> WeightCodes {
        let weights = try node.parameter(1)
        var weightScale = try codesPerUnit(1, arithmetic)
        // ONNX's grids may have a step for each row.
        let weightGrid = try grid(1)
        let scales = weightGrid.range == nil ? weightGrid.steps.map { 1 / $0 } : [weightScale]
        guard hasBias else { return WeightCodes(weights: weights, bias: nil, codesPerUnit: scales) }
        let bias = try node.parameter(2)
        if bias.dataType == .int32 { return WeightCodes(weights: weights, bias: bias, codesPerUnit: scales) }
        guard bias.dataType == .int8 else {
            throw ModelError("its weights are int8, but its bias is \(bias.dataType)")
        }
        let biasScale = try codesPerUnit(2, arithmetic)
        var stretch = sourceScale * weightScale / biasScale
        let magnitude = try grid(2).range?.magnitude ?? Float(127) / biasScale
        let limit = magnitude == 0 ? Float.infinity : Float(Int32.max / 2) / magnitude / biasScale
        var stretched = weights
        if stretch > limit {
            stretch = limit
            let shrink = stretch * biasScale / sourceScale / weightScale
            stretched = Tensor(
                weights.elements(as: Int8.self).map { Int8(clamping: Int32(roundedAway: Float($0) * shrink)) },
                shape: weights.shape)
            weightScale *= shrink
        }
        let biasSums = bias.elements(as: Int8.self).map { Int32(roundedAway: Float($0) * stretch) }
        return WeightCodes(weights: stretched, bias: Tensor(biasSums), codesPerUnit: [weightScale])
    }
}

extension WeightCodes {
    init(weights: Tensor, bias: Tensor?, codesPerUnit: [Float]) {
        self.weights = weights
        self.bias = bias
        self.codesPerUnit = codesPerUnit
    }
}
