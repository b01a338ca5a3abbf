import GraphIR
import Kernels
import TensorCore

/// Lowers a fused convolution (facts of mkldnn_conv.cc):
///
///     s_x: codes per unit of the data      s_w: of the weights      s_y: of the result      s_r: of the residual
///     t = (Σ W8·x + b32) · s_y / s_x / s_w → activation → + residual · s_y / s_r → activation → round, saturate
///
/// Zero points are taken off data and residual, and added to the result.
struct FusedConvolutionLowering {
    let node: NodeReader
    let form: FusedConvolutionForm

    init(_ node: NodeReader) throws {
        self.node = node
        form = try FusedConvolutionForm(node.node, over: node.type(0).shape)
    }

    func lower(_ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let residual = try form.residualInput.map { try lowering.value(node, $0) }
        switch source.codes {
        case nil: try lowerFloat(source, residual, &lowering)
        case .grid(let sourceScale, let zeroPoint):
            if let result = try CalibratedRange.codes(node.attributes, form.outputIsUnsigned ? .uint8 : .int8) {
                try lowerCalibrated(source, (sourceScale, zeroPoint), residual, result, &lowering)
            } else {
                guard zeroPoint == 0 else {
                    throw ModelError("its data has a zero point of \(zeroPoint), but its result is not calibrated")
                }
                try lowerToAccumulators(source, sourceScale, residual, &lowering)
            }
        case .rangeBuffer(let range): try lowerAtRunTime(source, range, residual, &lowering)
        case .accumulators: throw ModelError("its data is int32", advice: "requantize it first")
        }
    }

    func folded() throws -> FoldedWeights {
        let statistics = try form.batchNorm.map { attributes in
            try BatchNormStatistics(
                attributes, parameters: (form.batchNormInputs ?? 0..<0).map { try node.parameter($0) })
        }
        return try FoldedWeights(
            weights: try node.parameter(1), bias: form.biasInput.map { try node.parameter($0) }, batchNorm: statistics)
    }

    /// The integers that the layer computes with, once the range of its data is known.
    func weightCodes(_ sourceScale: Float, _ arithmetic: Arithmetic) throws -> WeightCodes {
        let endsInCodes = try CalibratedRange.codes(node.attributes, .int8) != nil
        return try endsInCodes ? calibratedCodes(sourceScale, arithmetic) : accumulatorCodes(sourceScale, arithmetic)
    }

    /// The integers of a layer that ends in int32: on one grid, so that the sums have one unit.
    /// - Parameter residualMagnitude: the largest residual, which has to fit into the sums, too.
    private func accumulatorCodes(
        _ sourceScale: Float, residualMagnitude: Float = 0, _ arithmetic: Arithmetic
    ) throws -> WeightCodes {
        WeightCodes.byTensor(
            try folded(), sourceCodesPerUnit: sourceScale, limit: try codeLimit(arithmetic),
            fits: arithmetic == .exact ? residualMagnitude : nil)
    }

    /// The integers of a layer whose ranges are known: quantized by channel, or as they are stored.
    private func calibratedCodes(_ sourceScale: Float, _ arithmetic: Arithmetic) throws -> WeightCodes {
        let weights = try node.parameter(1)
        guard weights.dataType == .int8 else {
            return WeightCodes.byChannel(
                try folded(), sourceCodesPerUnit: sourceScale, limit: try codeLimit(arithmetic))
        }
        guard let grid = try node.type(1).quantization?.grid else {
            throw ModelError("its weights are int8, but their step is not known")
        }
        let bias = try form.biasInput.map { try node.parameter($0) }
        return WeightCodes(weights: weights, bias: bias, codesPerUnit: grid.steps.map { 1 / $0 })
    }

    private func codeLimit(_ arithmetic: Arithmetic) throws -> Float {
        ParameterCodes.limit(of: try node.input(1).attributes, arithmetic)
    }

    private func lowerFloat(_ source: LoweredValue, _ residual: LoweredValue?, _ lowering: inout Lowering) throws {
        let folded = try folded()
        var operands = [source.buffer, lowering.addConstant(folded.weights)]
        if let bias = folded.bias { operands.append(lowering.addConstant(Tensor(bias))) }
        if let residual { operands.append(residual.buffer) }
        var stage = OutputStage(hasBias: folded.bias != nil)
        finish(&stage, sumScales: [], resultScale: 1, residual: (1, 0), .exact)
        lowering.define(node, LoweredValue(try lowering.add(form.convolution.kernelOperation(stage), operands, node)))
    }

    private func lowerCalibrated(
        _ source: LoweredValue, _ sourceGrid: (scale: Float, zeroPoint: Int), _ residual: LoweredValue?,
        _ type: (dataType: DataType, grid: QuantizationGrid), _ lowering: inout Lowering
    ) throws {
        let codes = try calibratedCodes(sourceGrid.scale, lowering.arithmetic)
        let outputType = type.dataType, zeroPoint = type.grid.zeroPoint
        let resultScale = type.grid.codesPerUnit(outputType)
        var stage = OutputStage(outputType: outputType, hasBias: codes.bias != nil)
        finish(
            &stage, sumScales: codes.codesPerUnit.map { ($0, sourceGrid.scale) }, resultScale: resultScale,
            residual: try residual.map(grid), lowering.arithmetic)
        if zeroPoint != 0 {
            // ONNX adds it behind the rounding: halves go to the even one of the sums, not of the codes.
            stage.postOperations += [.activation(ActivationFunction(.round)), .activation(.adding(Float(zeroPoint)))]
        }
        // MXNet sums in the residual's buffer and so in the residual's type, then reads the bytes as the output's type.
        if lowering.arithmetic == .mxnet, let residual { stage.outputType = lowering.type(of: residual).dataType }
        var kernel = form.convolution.kernelOperation(stage)
        kernel.sourceZeroPoint = sourceGrid.zeroPoint
        var result = try lowering.add(
            kernel, operands(source, codes, residual, &lowering), node)
        if stage.outputType != outputType {
            result = try lowering.add(ReinterpretKernel(as: outputType), [result], node)
        }
        lowering.define(
            node, LoweredValue(result, codes: .grid(codesPerUnit: resultScale, zeroPoint: zeroPoint)))
    }

    private func lowerToAccumulators(
        _ source: LoweredValue, _ sourceScale: Float, _ residual: LoweredValue?, _ lowering: inout Lowering
    ) throws {
        let folded = try folded()
        let residualGrid = try residual.map(grid)
        let codes = try accumulatorCodes(
            sourceScale, residualMagnitude: residualGrid.map { 256 / $0.scale } ?? 0, lowering.arithmetic)
        let weightScale = codes.codesPerUnit[0]
        var stage = OutputStage(outputType: .int32, hasBias: codes.bias != nil)
        finish(
            &stage, sumScales: [(weightScale, sourceScale)], resultScale: sourceScale * weightScale,
            residual: residualGrid, lowering.arithmetic)
        let result = try lowering.add(
            form.convolution.kernelOperation(stage), operands(source, codes, residual, &lowering), node)
        let unit = try AccumulatorUnit(
            node, sourceScale: sourceScale, weightScale: weightScale,
            weightMagnitude: folded.channelMagnitudes.max() ?? 0)
        lowering.define(node, LoweredValue(result, codes: .accumulators(unit: unit.value(lowering.arithmetic))))
    }

    private func lowerAtRunTime(
        _ source: LoweredValue, _ range: BufferID, _ residual: LoweredValue?, _ lowering: inout Lowering
    ) throws {
        let folded = try folded()
        let codes = WeightCodes.byTensor(
            FoldedWeights(weights: folded.weights), sourceCodesPerUnit: 1,
            limit: try codeLimit(lowering.arithmetic), fits: nil)
        let sums = try lowering.add(
            form.convolution.kernelOperation(OutputStage(outputType: .int32)),
            [source.buffer, lowering.addConstant(codes.weights)], node)
        var operands = [sums, range]
        if let bias = folded.bias { operands.append(lowering.addConstant(Tensor(bias))) }
        if let residual {
            operands += [residual.buffer, try lowering.rangeBuffer(of: residual)]
        }
        let kernel = RunTimeAccumulatorKernel(
            weightMagnitude: folded.channelMagnitudes.max() ?? 0, weightCodesPerUnit: codes.codesPerUnit[0],
            sourceType: lowering.type(of: source).dataType,
            residualType: residual.map { lowering.type(of: $0).dataType }, hasBias: folded.bias != nil,
            activation: runTimeActivation(lowering.arithmetic), repeatsMXNet: lowering.arithmetic == .mxnet)
        let results = try lowering.addAll(kernel, operands, node)
        try lowering.defineRunTimeResult(
            node, sums: results[0], range: results[1], endsInFloat: false,
            result: CalibratedRange.codes(node.attributes, form.outputIsUnsigned ? .uint8 : .int8))
    }

    private func operands(
        _ source: LoweredValue, _ codes: WeightCodes, _ residual: LoweredValue?, _ lowering: inout Lowering
    ) -> [BufferID] {
        [source.buffer, lowering.addConstant(codes.weights)]
            + (codes.bias.map { [lowering.addConstant($0)] } ?? []) + (residual.map { [$0.buffer] } ?? [])
    }

    private func grid(of residual: LoweredValue) throws -> (scale: Float, zeroPoint: Int) {
        guard case .grid(let scale, let zeroPoint) = residual.codes else {
            throw ModelError("its residual has no calibrated range")
        }
        return (scale, zeroPoint)
    }

    /// What happens to the sums: how they are scaled, and what follows.
    ///
    /// Activations see codes of the result where that makes no difference, as in MXNet; else real units.
    /// - Parameters:
    ///   - sumScales: codes per unit of the weights, one for all channels or one for each, and of the data.
    ///   - resultScale: codes per unit of the result.
    ///   - residual: its codes per unit, and its zero point.
    private func finish(
        _ stage: inout OutputStage, sumScales: [(weights: Float, source: Float)], resultScale: Float,
        residual: (scale: Float, zeroPoint: Int)?, _ arithmetic: Arithmetic
    ) {
        let activations = [form.activation, form.postSumActivation].compactMap { $0 }
        let seesCodes = arithmetic == .mxnet || activations.allSatisfy { $0.isHomogeneous || $0.kind == .clip }
        let scale = seesCodes ? resultScale : 1
        if stage.outputType.isCode || scale != resultScale {
            stage.scales = sumScales.map { scale / $0.source / $0.weights }
        }
        func operation(_ activation: ActivationFunction) -> PostOperation {
            var activation = activation.scaled(by: scale)
            if !seesCodes { activation.scale *= resultScale }
            return .activation(activation)
        }
        // A calibrated clip from zero is left to the saturation at the calibrated range by MXNet, which is right only
        // where there is such a range.
        if let activation = form.activation, !(arithmetic == .mxnet && activation.kind == .clip) {
            stage.postOperations.append(operation(activation))
        }
        if form.residualInput != nil {
            let factor = residual.map { scale / $0.scale } ?? 0
            stage.postOperations.append(.sum(scale: factor))
            if let zero = residual?.zeroPoint, zero != 0 {
                stage.postOperations.append(.activation(.adding(-Float(zero) * factor)))
            }
        }
        if let activation = form.postSumActivation { stage.postOperations.append(operation(activation)) }
    }

    private func runTimeActivation(_ arithmetic: Arithmetic) -> ActivationFunction? {
        let activation = form.activation ?? form.postSumActivation
        return arithmetic == .mxnet && activation?.kind == .clip ? nil : activation
    }
}

extension FoldedWeights {
    init(weights: Tensor) {
        self.weights = weights
        self.bias = nil
    }
}

extension ActivationFunction {
    /// x + summand
    static func adding(_ summand: Float) -> ActivationFunction {
        ActivationFunction(.linear, alpha: 1, beta: summand)
    }

    /// The function that does to scale · x what this one does to x; relu does not mind.
    func scaled(by scale: Float) -> ActivationFunction {
        guard kind == .clip else { return self }
        return ActivationFunction(kind, alpha: alpha * scale, beta: beta * scale, scale: self.scale)
    }
}
