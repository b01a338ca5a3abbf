import GraphIR
import Kernels
import TensorCore

/// The two products of interleaved self-attention as MXNet's MKL-DNN backend wraps them
/// (src/operator/subgraph/mkldnn/mkldnn_transformer.cc), in float or on codes:
///
///     float output: Σ a·b / s_a / s_b      codes: round(Σ a·b · s_y / s_a / s_b)      else int32
///
/// MXNet wants int8 for queries, keys and values and uint8 for attention; here any codes will do.
struct FusedSelfAttention: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization: QuantizationRule
    let onnx = ONNXForm.unsupported(because: "it is taken apart into the node that it swallowed")
    private let attention: InterleavedAttention

    static let all = [false, true].map(FusedSelfAttention.init)

    private init(weighsValues: Bool) {
        attention = InterleavedAttention(isSelf: true, weighsValues: weighsValues)
        let inputs = weighsValues ? [0, 1] : [0]
        name = "_sg_mkldnn_selfatt_\(weighsValues ? "valatt" : "qk")"
        summary = attention.summary + ", float or int8"
        mxnet = MXNetForm(
            name, "_sg_onednn_selfatt_\(weighsValues ? "valatt" : "qk")", rangedInputs: { _ in inputs },
            quantizedOutputIsTriple: { node in
                !((try? node.attributes.boolean(CalibratedRange.floatOutput)) ?? false)
            })
        quantization = .quantized(
            QuantizedTwin(
                need: .must, result: .sums, absorbs: .requantizeAndDequantize, codeInputs: { _, _ in inputs },
                attributes: ["quantized": .text("True")]))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { attention.inputCount(node) }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try attention.inferTypes(node)[0].shape
        guard try node.type(0).isQuantized, try !(node.attributes.boolean(CalibratedRange.floatOutput) ?? false) else {
            return [ValueType(.float32, shape)]
        }
        return [try CalibratedRange.resultType(node.attributes, .int8, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        guard try node.type(0).isQuantized else { return try attention.lower(node, &lowering) }
        let inputs = try node.node.inputs.indices.map { try lowering.value(node, $0) }
        // Sums of products of codes are exact in float32 up to 2^24.
        let codes = try inputs.map { try lowering.add(DequantizeKernel(factor: 1), [$0.buffer], node) }
        let sums = try attention.product(of: codes, node, &lowering)
        // Queries meet keys: both are the first input.
        let pair = [inputs[0], inputs[inputs.count - 1]]
        let scales = pair.compactMap { value -> Float? in
            if case .grid(let scale, 0) = value.codes { scale } else { nil }
        }
        guard scales.count == 2 else {
            let ranges = try pair.map { try lowering.rangeBuffer(of: $0) }
            let types = pair.map { lowering.type(of: $0).dataType }
            let range = try lowering.add(RunTimeProductRangeKernel(types[0], types[1]), ranges, node)
            let result = try lowering.add(QuantizeKernel(factor: 1, outputType: .int32), [sums], node)
            return lowering.define(node, LoweredValue(result, codes: .rangeBuffer(range)))
        }
        let unit = 1 / (scales[0] * scales[1])
        if try node.attributes.boolean(CalibratedRange.floatOutput) ?? false {
            let scale = ActivationFunction(.linear, alpha: unit)
            lowering.define(node, LoweredValue(try lowering.add(ActivationKernel(scale), [sums], node)))
        } else if let range = try CalibratedRange.read(node.attributes) {
            let perUnit = range.codesPerUnit(.int8)
            let kernel = QuantizeKernel(factor: perUnit * unit, outputType: .int8)
            lowering.define(
                node, LoweredValue(try lowering.add(kernel, [sums], node), codes: .grid(codesPerUnit: perUnit)))
        } else {
            var unit = unit
            if lowering.arithmetic == .mxnet { unit = mxnetUnit(unit, pair.map { lowering.type(of: $0).dataType }) }
            let result = try lowering.add(QuantizeKernel(factor: 1, outputType: .int32), [sums], node)
            lowering.define(node, LoweredValue(result, codes: .accumulators(unit: unit)))
        }
    }

    /// MXNet 1.9.1 computes the range of scores from ranges that it has not read yet, zero; and it counts 127 codes for
    /// any operand of the other product, uint8 ones too.
    private func mxnetUnit(_ unit: Float, _ types: [DataType]) -> Float {
        attention.weighsValues ? types.reduce(unit) { $0 * ValueRange.codes($1) / 127 } : 0
    }

    var examples: [OperatorExample] {
        let inner = attention.name
        let scores = attention.weighsValues ? "\n%scores: float32[4, 3, 3] = input" : ""
        let (outer, body) = attention.weighsValues ? (", %scores", ", %scores0") : ("", "")
        return [
            OperatorExample(
                "two heads",
                """
                %qkv: float32[3, 2, 24] = input\(scores)
                %fused_output = \(name)(%qkv\(outer)) {enable_float_output="False", heads="2", quantized="False"} origins=[product] graph fused {
                  %qkv0 = input
                \(attention.weighsValues ? "  %scores0 = input\n" : "")\
                  %product_output = \(inner)(%qkv0\(body)) {heads="2"}
                  return %product_output
                }
                return %fused_output
                """)
        ]
    }
}
