import GraphIR
import Kernels
import TensorCore

/// Lowers a fused fully connected layer (mkldnn_fc.cc), with s_x, s_w, s_y codes per unit of data, weights and result:
///
///     float result:  k = 1 / s_x / s_w             codes:  k = s_y / s_x / s_w
struct FusedFullyConnectedLowering {
    let node: NodeReader
    let form: FusedFullyConnectedForm

    init(_ node: NodeReader) throws {
        self.node = node
        form = try FusedFullyConnectedForm(node.node)
    }

    func lower(_ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        switch source.codes {
        case nil: try lowerFloat(source, &lowering)
        case .grid(let scale, 0): try lowerQuantized(source, scale, &lowering)
        case .grid(_, let zeroPoint): throw ModelError("its data has a zero point of \(zeroPoint), only 0 is supported")
        case .rangeBuffer(let range): try lowerAtRunTime(source, range, &lowering)
        case .accumulators: throw ModelError("its data is int32", advice: "requantize it first")
        }
    }

    private var activations: [PostOperation] { form.activation.map { [.activation($0)] } ?? [] }

    private func lowerFloat(_ source: LoweredValue, _ lowering: inout Lowering) throws {
        let kernel = InnerProductKernel(
            stage: OutputStage(postOperations: activations, hasBias: form.attributes.hasBias))
        let operands =
            try [source.buffer] + (1..<(form.attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try form.attributes.multiply(kernel, operands, node, &lowering)))
    }

    private func lowerQuantized(_ source: LoweredValue, _ sourceScale: Float, _ lowering: inout Lowering) throws {
        let codes = try weightCodes(sourceScale, lowering.arithmetic)
        var stage = OutputStage(outputType: .int32, postOperations: activations, hasBias: codes.bias != nil)
        let range = try CalibratedRange.read(node.attributes)
        var result: LoweredValue.Codes?
        if form.hasFloatOutput {
            stage.outputType = .float32
            stage.scales = codes.codesPerUnit.map { 1 / sourceScale / $0 }
        } else if let range {
            let resultScale = range.codesPerUnit(form.outputType)
            stage.outputType = form.outputType
            stage.scales = codes.codesPerUnit.map { resultScale / sourceScale / $0 }
            stage.postOperations = form.activation.map { [.activation($0.scaled(by: resultScale))] } ?? []
            result = .grid(codesPerUnit: resultScale)
        } else {
            let unit = try AccumulatorUnit(
                node, sourceScale: sourceScale, weightScale: codes.codesPerUnit[0],
                weightMagnitude: try grid(1).range?.magnitude ?? 127.5 / codes.codesPerUnit[0])
            result = .accumulators(unit: unit.value(lowering.arithmetic))
        }
        let operands =
            [source.buffer, lowering.addConstant(codes.weights)] + (codes.bias.map { [lowering.addConstant($0)] } ?? [])
        let buffer = try form.attributes.multiply(InnerProductKernel(stage: stage), operands, node, &lowering)
        lowering.define(node, LoweredValue(buffer, codes: result))
    }

    private func lowerAtRunTime(_ source: LoweredValue, _ range: BufferID, _ lowering: inout Lowering) throws {
        let codes = try weightCodes(1, lowering.arithmetic)
        let sums = try lowering.add(
            InnerProductKernel(stage: OutputStage(outputType: .int32)),
            [
                form.attributes.rows(of: source.buffer, node, &lowering), lowering.addConstant(codes.weights),
            ], node)
        var operands = [sums, range]
        if form.attributes.hasBias { operands.append(lowering.addConstant(try floatBias(lowering.arithmetic))) }
        let kernel = RunTimeAccumulatorKernel(
            weightMagnitude: try grid(1).range?.magnitude ?? 0, weightCodesPerUnit: codes.codesPerUnit[0],
            sourceType: lowering.type(of: source).dataType, residualType: nil, hasBias: form.attributes.hasBias,
            relu: form.activation?.kind == .relu)
        let results = try lowering.addAll(kernel, operands, node)
        let buffer = try form.attributes.unroll(results[0], of: source.buffer, node, &lowering)
        lowering.define(node, LoweredValue(buffer, codes: .rangeBuffer(results[1])))
    }

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
        let limit = ParameterCodes.limit(of: try node.input(input).attributes, arithmetic)
        return range.magnitude == 0 ? Float(Int32.max) : limit / range.magnitude
    }

    private func floatBias(_ arithmetic: Arithmetic) throws -> Tensor {
        let bias = try node.parameter(2)
        guard bias.dataType == .int8 else { return bias.asFloat32() }
        let scale = try codesPerUnit(2, arithmetic)
        return Tensor(bias.elements(as: Int8.self).map { Float($0) / scale })
    }

    func weightCodes(_ sourceScale: Float, _ arithmetic: Arithmetic) throws -> WeightCodes {
        let weights = try node.parameter(1)
        guard weights.dataType == .int8 else {
            guard form.isChannelWise else { throw ModelError("its weights are float, but its data is quantized") }
            let bias = try form.attributes.hasBias ? node.parameter(2) : nil
            let folded = try FoldedWeights(weights: weights, bias: bias, batchNorm: nil)
            return WeightCodes.byChannel(
                folded, sourceCodesPerUnit: sourceScale,
                limit: ParameterCodes.limit(of: try node.input(1).attributes, arithmetic))
        }
        var weightScale = try codesPerUnit(1, arithmetic)
        guard form.attributes.hasBias else {
            return WeightCodes(weights: weights, bias: nil, codesPerUnit: [weightScale])
        }
        let bias = try node.parameter(2)
        if bias.dataType == .int32 { return WeightCodes(weights: weights, bias: bias, codesPerUnit: [weightScale]) }
        guard bias.dataType == .int8 else {
            throw ModelError("its weights are int8, but its bias is \(bias.dataType)")
        }
        // The bias is stretched to the unit of the sums, sourceScale · weightScale, or the weights are shrunk where
        // the bias would take more than half of int32.
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
