import GraphIR
import Kernels
import TensorCore

/// A fully connected layer with the activation that MXNet's MKL-DNN backend fuses into it
/// (src/operator/subgraph/mkldnn/mkldnn_fc.cc). Inputs: data, weight, [bias].
///
/// Quantized, weight and bias are int8 parameters with ranges, or stay float and are quantized by channel
/// (`channel_wise_quantize`). The result is int32, codes on the calibrated range, or float (`enable_float_output`).
struct FusedFullyConnected: OperatorDefinition {
    static let channelWise = "channel_wise_quantize"

    let name = "FusedFullyConnected"
    let summary = "fully connected layer with activation fused, float or int8"

    let mxnet: MXNetForm? = MXNetForm(
        "_sg_mkldnn_fully_connected", "_sg_onednn_fully_connected",
        parameterInputs: { node in Array(1..<plainInputCount(node)) },
        rangedInputs: { node in
            let isChannelWise = (try? node.attributes.boolean(channelWise)) ?? false
            return isChannelWise ? [0] : Array(0..<plainInputCount(node))
        },
        quantizedOutputIsTriple: { node in !((try? node.attributes.boolean(CalibratedRange.floatOutput)) ?? false) })

    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .must, result: .sums, absorbs: .requantizeAndDequantize,
            codeInputs: { node, isChannelWise in isChannelWise ? [0] : Array(0..<plainInputCount(node)) },
            attributes: ["quantized": .text("True")], supportsChannelWise: true))

    /// Asks the fully connected layer for no more than its bias: one that is not supported has the same inputs.
    private static func plainInputCount(_ node: any NodeDescription) -> Int {
        let layer = node.bodies.first.flatMap { body in
            body.topologicalOrder().map { body[$0] }.first { $0.op == "FullyConnected" }
        }
        guard let layer else { return 2 }
        return (try? layer.attributes.boolean("no_bias")) == true ? 2 : 3
    }

    let onnx = ONNXForm.unsupported(because: "it is taken apart into the nodes that it swallowed")

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let count = try FusedFullyConnectedForm(node).attributes.hasBias ? 3 : 2
        return count...count
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        try FusedFullyConnectedForm(node).attributes.parameterShapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try FusedFullyConnectedForm(node.node)
        let shape = try node.type(0).shape.map { try form.attributes.resultShape(of: $0) }
        guard try node.type(0).isQuantized, !form.hasFloatOutput else { return [ValueType(.float32, shape)] }
        guard let result = try CalibratedRange.codes(node.attributes, form.outputType) else {
            return [ValueType(.int32, shape, quantization: .foundAtRunTime)]
        }
        return [ValueType(result.dataType, shape, quantization: .known(result.grid))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        try FusedFullyConnectedLowering(node).lower(&lowering)
    }

    let examples = [
        OperatorExample(
            "with relu",
            """
            %data: float32[3, 8] = input
            %weight: float32[5, 8] = parameter(...)
            %bias: float32[5] = parameter(...)
            %fused_output = FusedFullyConnected(%data, %weight, %bias) {with_eltwise="True"} origins=[fc, relu] graph fused {
              %data0 = input
              %weight0 = input
              %bias0 = input
              %fc_output = FullyConnected(%data0, %weight0, %bias0) {num_hidden="5"}
              %relu_output = Activation(%fc_output) {act_type="relu"}
              return %relu_output
            }
            return %fused_output
            """),
        OperatorExample(
            "alone, without bias",
            """
            %data: float32[3, 8] = input
            %weight: float32[5, 8] = parameter(...)
            %fused_output = FusedFullyConnected(%data, %weight) origins=[fc] graph fused {
              %data0 = input
              %weight0 = input
              %fc_output = FullyConnected(%data0, %weight0) {no_bias="True", num_hidden="5"}
              return %fc_output
            }
            return %fused_output
            """),
        OperatorExample(
            "along the last axis",
            """
            %data: float32[2, 3, 2, 8] = input
            %weight: float32[5, 8] = parameter(...)
            %bias: float32[5] = parameter(...)
            %fused_output = FusedFullyConnected(%data, %weight, %bias) {with_eltwise="True"} origins=[fc, relu] graph fused {
              %data0 = input
              %weight0 = input
              %bias0 = input
              %fc_output = FullyConnected(%data0, %weight0, %bias0) {flatten="False", num_hidden="5"}
              %relu_output = Activation(%fc_output) {act_type="relu"}
              return %relu_output
            }
            return %fused_output
            """),
    ]
}

/// What is inside of a fused fully connected layer.
struct FusedFullyConnectedForm {
    var attributes: FullyConnectedAttributes
    var activation: ActivationFunction?
    var hasFloatOutput: Bool
    var isChannelWise: Bool

    init(_ node: any NodeDescription) throws {
        guard let body = node.bodies.first else { throw ModelError("a fused node without its subgraph") }
        var attributes: FullyConnectedAttributes?
        for id in body.topologicalOrder() {
            if body[id].op == "FullyConnected" {
                attributes = try FullyConnectedAttributes(body[id].attributes)
            } else {
                activation = try FusedActivation.function(of: body[id])
            }
        }
        guard let attributes else { throw ModelError("a fused layer without a FullyConnected in its subgraph") }
        self.attributes = attributes
        hasFloatOutput = try node.attributes.boolean(CalibratedRange.floatOutput) ?? false
        isChannelWise = try node.attributes.boolean(FusedFullyConnected.channelWise) ?? false
    }

    var outputType: DataType { activation?.isNonNegative == true ? .uint8 : .int8 }
}
