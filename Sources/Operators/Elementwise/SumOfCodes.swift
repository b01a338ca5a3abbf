import GraphIR
import Kernels
import TensorCore

/// a + b of two tensors of codes (src/operator/quantization/mkldnn/mkldnn_quantized_elemwise_add.cc), with s_a, s_b, s_y
/// codes per unit: a · s_y / s_a + b · s_y / s_b on a calibrated range; without one int32 on the range ±(A + B).
struct SumOfCodes: ArithmeticOnCodes {
    static let quantizedName = "_contrib_quantized_elemwise_add"
    static let twin = QuantizedTwin(
        need: .support, result: .sums, absorbs: .requantize, codeInputs: { _, _ in [0, 1] })

    func codeType(_ a: DataType, _ b: DataType) -> DataType { a == b ? a : .int8 }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try CodesOfTwo(node, &lowering)
        guard let scales = operands.scales else {
            let kernel = RunTimeAddKernel(repeatsMXNet: lowering.arithmetic == .mxnet)
            let results = try lowering.addAll(kernel, operands.withRanges(&lowering), node)
            lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
            return
        }
        if let range = try CalibratedRange.read(node.attributes) {
            try lowerCalibrated(node, operands, scales, range, &lowering)
        } else {
            try lowerToSums(node, operands, scales, &lowering)
        }
    }

    private func lowerCalibrated(
        _ node: NodeReader, _ operands: CodesOfTwo, _ scales: (a: Float, b: Float), _ range: ValueRange,
        _ lowering: inout Lowering
    ) throws {
        let types = operands.types
        let type: DataType = types.a == types.b ? types.a : .int8
        let perUnit = range.codesPerUnit(type)
        var factors = (a: perUnit / scales.a, b: perUnit / scales.b)
        var (a, b) = (operands.a.buffer, operands.b.buffer)
        if lowering.arithmetic == .mxnet, types.a != types.b {
            // MXNet makes int8 of the uint8 operand first.
            if types.a == .uint8 {
                a = try lowering.add(QuantizeKernel(factor: factors.a, outputType: .int8), [a], node)
                factors.a = 1
            } else {
                b = try lowering.add(QuantizeKernel(factor: factors.b, outputType: .int8), [b], node)
                factors.b = 1
            }
        }
        let kernel = ScaledAddKernel(scaleA: factors.a, scaleB: factors.b, outputType: type)
        let result = try lowering.add(kernel, [a, b], node)
        lowering.define(node, LoweredValue(result, codes: .grid(codesPerUnit: perUnit)))
    }

    private func lowerToSums(
        _ node: NodeReader, _ operands: CodesOfTwo, _ scales: (a: Float, b: Float), _ lowering: inout Lowering
    ) throws {
        let types = operands.types
        // So small a unit that the largest sum fills int32; code −128 lies outside of the range that MXNet thinks of.
        let stretch: Float = lowering.arithmetic == .mxnet ? 1 : RunTimeAddKernel.stretch
        let limit = stretch * (ValueRange.codes(types.a) / scales.a + ValueRange.codes(types.b) / scales.b)
        let perUnit = Float(Int32.max) / limit
        var factors = (a: perUnit / scales.a, b: perUnit / scales.b)
        // MXNet squeezes the uint8 operand into int8 on that unit, and nothing is left of it.
        if lowering.arithmetic == .mxnet, types.a != types.b {
            if types.a == .uint8 { factors.a = 0 } else { factors.b = 0 }
        }
        let kernel = ScaledAddKernel(scaleA: factors.a, scaleB: factors.b, outputType: .int32)
        let sums = try lowering.add(kernel, [operands.a.buffer, operands.b.buffer], node)
        lowering.define(node, LoweredValue(sums, codes: .accumulators(unit: 1 / perUnit)))
    }
}
