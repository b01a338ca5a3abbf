import GraphIR
import Kernels
import TensorCore

/// Lowers a layer that was quantized without being fused first: int8 weights and bias, int32 result
/// (src/operator/quantization/quantized_conv.cc, quantized_fully_connected.cc).
struct UnfusedLayerLowering {
    let node: NodeReader
    let hasBias: Bool
    /// Adds the layer's kernel with a stage behind its sums.
    let multiply: (OutputStage, [BufferID], inout Lowering) throws -> BufferID

    private var stored: StoredLayerCodes { StoredLayerCodes(node: node, hasBias: hasBias) }

    func lower(_ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        switch source.codes {
        case .grid(let scale, 0):
            let codes = try stored.weightCodes(scale, lowering.arithmetic)
            let operands =
                [source.buffer, lowering.addConstant(codes.weights)]
                + (codes.bias.map { [lowering.addConstant($0)] } ?? [])
            let stage = OutputStage(outputType: .int32, hasBias: codes.bias != nil)
            let sums = try multiply(stage, operands, &lowering)
            let unit = try AccumulatorUnit(
                node, sourceScale: scale, weightScale: codes.codesPerUnit[0],
                weightMagnitude: try stored.weightMagnitude(codes.codesPerUnit[0]))
            lowering.define(node, LoweredValue(sums, codes: .accumulators(unit: unit.value(lowering.arithmetic))))
        case .rangeBuffer(let range):
            let codes = try StoredLayerCodes(node: node, hasBias: false).weightCodes(1, lowering.arithmetic)
            let sums = try multiply(
                OutputStage(outputType: .int32), [source.buffer, lowering.addConstant(codes.weights)], &lowering)
            let kernel = RunTimeAccumulatorKernel(
                weightMagnitude: try stored.weightMagnitude(codes.codesPerUnit[0]),
                weightCodesPerUnit: codes.codesPerUnit[0], sourceType: lowering.type(of: source).dataType,
                hasBias: hasBias, repeatsMXNet: lowering.arithmetic == .mxnet)
            let bias = try hasBias ? [lowering.addConstant(stored.floatBias(lowering.arithmetic))] : []
            let results = try lowering.addAll(kernel, [sums, range] + bias, node)
            lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
        case .grid: throw ModelError("its data has a zero point, only 0 is supported")
        case .accumulators: throw ModelError("its data is int32", advice: "requantize it first")
        case nil: throw ModelError("its data is not quantized")
        }
    }
}
