import GraphIR
import Kernels
import TensorCore

/// Lowers batch normalization of codes (src/operator/quantization/mkldnn/mkldnn_quantized_batch_norm.cc). The result is
/// int8 on a calibrated range:
///
///     y = round((x / s_x · α + β − mean · α) · s_y)     α = gamma / √(variance + eps)
///
/// MXNet makes int8 of uint8 data first, uses the stored gamma even where fix_gamma says that it counts as 1, and lets
/// oneDNN divide by √(1 + eps) once more.
struct QuantizedBatchNorm {
    let node: NodeReader

    func lower(_ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        guard let range = try CalibratedRange.read(node.attributes) else {
            return try lowerAtRunTime(source, &lowering)
        }
        let resultScale = range.codesPerUnit(.int8)
        let buffer: BufferID
        let sourceScale: Float
        switch source.codes {
        case .grid(let scale, 0): (buffer, sourceScale) = (source.buffer, scale)
        case .rangeBuffer(let range):
            buffer = try lowering.add(RunTimeDequantizeKernel(), [source.buffer, range], node)
            sourceScale = 1
        default: throw ModelError("its data has to be codes without a zero point")
        }
        let result =
            lowering.arithmetic == .mxnet
            ? try lowerLikeMXNet(source, sourceScale, range, &lowering)
            : try scaleAndShift(buffer, sourceScale, resultScale, &lowering)
        let codes = try lowering.add(QuantizeKernel(factor: 1, outputType: .int8), [result], node)
        lowering.define(node, LoweredValue(codes, codes: .grid(codesPerUnit: resultScale)))
    }

    private func statistics(_ attributes: Attributes? = nil) throws -> BatchNormStatistics {
        try BatchNormStatistics(
            attributes ?? node.attributes, parameters: (1...4).map { try node.parameter($0) })
    }

    private func scaleAndShift(
        _ source: BufferID, _ sourceScale: Float, _ resultScale: Float, _ lowering: inout Lowering
    ) throws -> BufferID {
        let (scale, shift) = try statistics().scaleAndShift()
        return try apply(
            scale.map { $0 * resultScale / sourceScale }, shift.map { $0 * resultScale }, to: source, &lowering)
    }

    private func lowerLikeMXNet(
        _ source: LoweredValue, _ sourceScale: Float, _ range: ValueRange, _ lowering: inout Lowering
    ) throws -> BufferID {
        var buffer = source.buffer
        if lowering.type(of: source).dataType == .uint8 {
            let kernel = QuantizeKernel(factor: ValueRange.codes(.int8) / ValueRange.codes(.uint8), outputType: .int8)
            buffer = try lowering.add(kernel, [buffer], node)
        }
        var attributes = node.attributes
        attributes["fix_gamma"] = .text("False")
        let statistics = try statistics(attributes)
        let sourceMagnitude =
            try node.type(0).quantization?.grid?.range?.magnitude
            ?? ValueRange.codes(lowering.type(of: source).dataType) / sourceScale
        let deviations = statistics.inverseDeviations
        let repeated = 1 / Float((1 + statistics.epsilon).squareRoot())
        let scale = zip(statistics.gamma, deviations).map { $0 * $1 * sourceMagnitude / range.magnitude * repeated }
        let shift = statistics.gamma.indices.map { channel in
            (statistics.beta[channel] - statistics.mean[channel] * statistics.gamma[channel] * deviations[channel])
                * ValueRange.codes(.int8) / range.magnitude
        }
        return try apply(scale, shift, to: buffer, &lowering)
    }

    /// Without calibration, which MXNet refuses.
    private func lowerAtRunTime(_ source: LoweredValue, _ lowering: inout Lowering) throws {
        let range = try lowering.rangeBuffer(of: source)
        let float = try lowering.add(RunTimeDequantizeKernel(), [source.buffer, range], node)
        let (scale, shift) = try statistics().scaleAndShift()
        let operands = [float, lowering.addConstant(Tensor(scale)), lowering.addConstant(Tensor(shift))]
        let result = try lowering.add(ScaleShiftKernel(), operands, node)
        let codes = try lowering.addAll(RunTimeQuantizeKernel(outputType: .int8), [result], node)
        lowering.define(node, LoweredValue(codes[0], codes: .rangeBuffer(codes[1])))
    }

    private func apply(
        _ scale: [Float], _ shift: [Float], to source: BufferID, _ lowering: inout Lowering
    ) throws -> BufferID {
        let float =
            lowering.program.type(of: source).dataType == .float32
            ? source : try lowering.add(DequantizeKernel(factor: 1), [source], node)
        let operands = [float, lowering.addConstant(Tensor(scale)), lowering.addConstant(Tensor(shift))]
        return try lowering.add(ScaleShiftKernel(), operands, node)
    }
}
