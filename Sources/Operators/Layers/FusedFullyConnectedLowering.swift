import GraphIR
import Kernels
import TensorCore

/// Lowers a fused fully connected layer (mkldnn_fc.cc), with s_x, s_w, s_y codes per unit of data, weights and result:
///
///     float result:  k = 1 / s_x / s_w             codes:  k = s_y / s_x / s_w
///
/// A zero point of the data is taken off by the bias, one of the result is added at the end:
///
///     Σ W8 · (x − z) = Σ W8 · x − z · Σ W8
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
        case .grid(let scale, let zeroPoint): try lowerQuantized(source, scale, zeroPoint, &lowering)
        case .rangeBuffer(let range): try lowerAtRunTime(source, range, &lowering)
        case .accumulators: throw ModelError("its data is int32", advice: "requantize it first")
        }
    }

    private func lowerFloat(_ source: LoweredValue, _ lowering: inout Lowering) throws {
        let kernel = InnerProductKernel(
            stage: OutputStage(
                postOperations: form.activation.map { [.activation($0)] } ?? [], hasBias: form.attributes.hasBias))
        let operands =
            try [source.buffer] + (1..<(form.attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try form.attributes.multiply(kernel, operands, node, &lowering)))
    }

    private func lowerQuantized(
        _ source: LoweredValue, _ sourceScale: Float, _ sourceZeroPoint: Int, _ lowering: inout Lowering
    ) throws {
        var codes = try weightCodes(sourceScale, lowering.arithmetic)
        if sourceZeroPoint != 0 { codes.takeOff(sourceZeroPoint) }
        let type = try CalibratedRange.codes(node.attributes, form.outputType)
        var stage = OutputStage(outputType: .int32, hasBias: codes.bias != nil)
        var result: LoweredValue.Codes?
        // What one real unit is in the result.
        var resultScale: Float = 1
        if form.hasFloatOutput {
            stage.outputType = .float32
        } else if let type {
            resultScale = type.grid.codesPerUnit(type.dataType)
            stage.outputType = type.dataType
            result = .grid(codesPerUnit: resultScale, zeroPoint: type.grid.zeroPoint)
        } else {
            resultScale = sourceScale * codes.codesPerUnit[0]
            let unit = try AccumulatorUnit(
                node, sourceScale: sourceScale, weightScale: codes.codesPerUnit[0],
                weightMagnitude: try stored.weightMagnitude(codes.codesPerUnit[0]))
            result = .accumulators(unit: unit.value(lowering.arithmetic))
        }
        finish(&stage, sourceScale, codes.codesPerUnit, resultScale, lowering.arithmetic)
        if let zeroPoint = type?.grid.zeroPoint, zeroPoint != 0, stage.outputType.isCode {
            stage.postOperations += [.activation(ActivationFunction(.round)), .activation(.adding(Float(zeroPoint)))]
        }
        let operands =
            [source.buffer, lowering.addConstant(codes.weights)] + (codes.bias.map { [lowering.addConstant($0)] } ?? [])
        let buffer = try form.attributes.multiply(InnerProductKernel(stage: stage), operands, node, &lowering)
        lowering.define(node, LoweredValue(buffer, codes: result))
    }

    /// Scales, and the activation, if there is one: it sees real units and scales what it gives.
    private func finish(
        _ stage: inout OutputStage, _ sourceScale: Float, _ weightScales: [Float], _ resultScale: Float,
        _ arithmetic: Arithmetic
    ) {
        guard var activation = form.activation else {
            if stage.outputType != .int32 { stage.scales = weightScales.map { resultScale / sourceScale / $0 } }
            return
        }
        if stage.outputType == .int32 && (arithmetic == .mxnet || activation.isHomogeneous) {
            // MXNet lets every activation see sums.
            stage.postOperations = [.activation(activation)]
            return
        }
        activation.scale = resultScale
        stage.scales = weightScales.map { 1 / sourceScale / $0 }
        stage.postOperations = [.activation(activation)]
    }

    private func lowerAtRunTime(_ source: LoweredValue, _ range: BufferID, _ lowering: inout Lowering) throws {
        let codes = try weightCodes(1, lowering.arithmetic)
        let sums = try lowering.add(
            InnerProductKernel(stage: OutputStage(outputType: .int32)),
            [
                form.attributes.rows(of: source.buffer, node, &lowering), lowering.addConstant(codes.weights),
            ], node)
        var operands = [sums, range]
        if form.attributes.hasBias { operands.append(lowering.addConstant(try stored.floatBias(lowering.arithmetic))) }
        let kernel = RunTimeAccumulatorKernel(
            weightMagnitude: try stored.weightMagnitude(codes.codesPerUnit[0]),
            weightCodesPerUnit: codes.codesPerUnit[0],
            sourceType: lowering.type(of: source).dataType, residualType: nil, hasBias: form.attributes.hasBias,
            activation: form.activation, repeatsMXNet: lowering.arithmetic == .mxnet)
        let results = try lowering.addAll(kernel, operands, node)
        let buffer = try form.attributes.unroll(results[0], of: source.buffer, node, &lowering)
        try lowering.defineRunTimeResult(
            node, sums: buffer, range: results[1], endsInFloat: form.hasFloatOutput,
            result: CalibratedRange.codes(node.attributes, form.outputType))
    }

    func weightCodes(_ sourceScale: Float, _ arithmetic: Arithmetic) throws -> WeightCodes {
        let weights = try node.parameter(1)
        guard weights.dataType != .int8 else { return try stored.weightCodes(sourceScale, arithmetic) }
        guard form.isChannelWise else { throw ModelError("its weights are float, but its data is quantized") }
        let bias = try form.attributes.hasBias ? node.parameter(2) : nil
        let folded = try FoldedWeights(weights: weights, bias: bias, batchNorm: nil)
        let limit = ParameterCodes.limit(of: try node.input(1).attributes, arithmetic)
        // int32 results have one unit for all channels.
        guard try form.hasFloatOutput || CalibratedRange.read(node.attributes) != nil else {
            return WeightCodes.byTensor(
                folded, sourceCodesPerUnit: sourceScale, limit: limit, fits: arithmetic == .exact ? 0 : nil)
        }
        return WeightCodes.byChannel(folded, sourceCodesPerUnit: sourceScale, limit: limit)
    }

    private var stored: StoredLayerCodes { StoredLayerCodes(node: node, hasBias: form.attributes.hasBias) }
}

extension WeightCodes {
    /// Lets the bias take off a zero point of the data.
    fileprivate mutating func takeOff(_ zeroPoint: Int) {
        let rows = weights.shape[0], columns = weights.elementCount / max(rows, 1)
        let values = weights.elements(as: Int8.self)
        let sums = (0..<rows).map { row in
            values[row * columns..<(row + 1) * columns].reduce(0) { $0 + Int($1) }
        }
        let old = bias?.elements(as: Int32.self).map { Int($0) } ?? [Int](repeating: 0, count: rows)
        bias = Tensor(zip(old, sums).map { Int32(clamping: $0 - zeroPoint * $1) })
    }
}
