import GraphIR
import Kernels
import TensorCore

/// a · b of two tensors of codes (src/operator/quantization/quantized_elemwise_mul.cc), with s_a, s_b, s_y codes per unit:
/// a · b · s_y / s_a / s_b on a calibrated range, a · b / s_a / s_b with float output, else int32. MXNet takes int8 only.
struct ProductOfCodes: ArithmeticOnCodes {
    static let quantizedName = "_contrib_quantized_elemwise_mul"
    static let twin = QuantizedTwin(
        need: .support, result: .sums, absorbs: .requantizeAndDequantize, codeInputs: { _, _ in [0, 1] })

    func codeType(_ a: DataType, _ b: DataType) -> DataType { .int8 }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try CodesOfTwo(node, &lowering)
        let buffers = [operands.a.buffer, operands.b.buffer]
        guard let scales = operands.scales else {
            let ranges = [try lowering.rangeBuffer(of: operands.a), try lowering.rangeBuffer(of: operands.b)]
            let products = try lowering.add(ScaledMultiplyKernel(scale: 1, outputType: .int32), buffers, node)
            let kernel = RunTimeProductRangeKernel(
                operands.types.a, operands.types.b, repeatsMXNet: lowering.arithmetic == .mxnet)
            let range = try lowering.add(kernel, ranges, node)
            lowering.define(node, LoweredValue(products, codes: .rangeBuffer(range)))
            return
        }
        let rounding: ScaledMultiplyKernel.Rounding = lowering.arithmetic == .mxnet ? .cast : .nearest
        func multiply(by scale: Float, _ type: DataType) throws -> BufferID {
            let kernel = ScaledMultiplyKernel(scale: scale, outputType: type, rounding: rounding)
            return try lowering.add(kernel, buffers, node)
        }
        if try node.attributes.boolean(CalibratedRange.floatOutput) ?? false {
            lowering.define(node, LoweredValue(try multiply(by: 1 / scales.a / scales.b, .float32)))
        } else if let range = try CalibratedRange.read(node.attributes) {
            let perUnit = range.codesPerUnit(.int8)
            let result = try multiply(by: perUnit / scales.a / scales.b, .int8)
            lowering.define(node, LoweredValue(result, codes: .grid(codesPerUnit: perUnit)))
        } else {
            var unit = 1 / scales.a / scales.b
            // MXNet reads codes that were made with 127.5 as if it had been 127.
            if lowering.arithmetic == .mxnet { unit *= (127.5 / 127) * (127.5 / 127) }
            lowering.define(node, LoweredValue(try multiply(by: 1, .int32), codes: .accumulators(unit: unit)))
        }
    }
}
