import GraphIR
import Kernels
import TensorCore

/// A convolution with what MXNet's MKL-DNN backend fuses into it: BatchNorm, an addition, an activation
/// (src/operator/subgraph/mkldnn/mkldnn_conv.cc). The swallowed nodes stay in the node's body.
///
/// Inputs: data, weight, [bias], [gamma, beta, moving_mean, moving_var], [residual], in the order of the body's inputs.
/// With quantized data it gives int32 sums, or codes if min_calib_range and max_calib_range are there. Codes with a zero
/// point, which MXNet has none of, are described by out_type, step and zero_point instead.
struct FusedConvolution: OperatorDefinition {
    let name = "FusedConvolution"
    let summary = "convolution with BatchNorm, addition and activation fused, float or int8"

    let mxnet: MXNetForm? = MXNetForm(
        "_sg_mkldnn_conv", "_sg_onednn_conv",
        auxiliaryInputs: { node in
            (try? FusedConvolutionForm(node))?.batchNormInputs.map { [$0.lowerBound + 2, $0.lowerBound + 3] } ?? []
        },
        parameterInputs: { node in (try? FusedConvolutionForm(node))?.parameterInputs ?? [] },
        rangedInputs: { node in [0] + ((try? FusedConvolutionForm(node))?.residualInput.map { [$0] } ?? []) })

    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .must, result: .sums, absorbs: .requantize,
            codeInputs: { node, _ in [0] + ((try? FusedConvolutionForm(node))?.residualInput.map { [$0] } ?? []) },
            attributes: ["quantized": .text("true")],
            refusal: { node in
                do { return try FusedConvolutionForm(node.node).refusalToQuantize } catch { return "\(error)" }
            }))

    let onnx = ONNXForm.unsupported(because: "it is taken apart into the nodes that it swallowed")

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let count = try FusedConvolutionForm(node).inputCount
        return count...count
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        let form = try FusedConvolutionForm(node)
        var shapes: [Int: [Int?]] = [1: form.convolution.parameterShapes[1] ?? []]
        for index in form.parameterInputs.dropFirst() { shapes[index] = [form.convolution.filters] }
        return shapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try FusedConvolutionForm(node.node)
        let shape = try node.type(0).shape.map { try form.convolution.resultShape(of: $0) }
        guard try node.type(0).isQuantized else { return [ValueType(.float32, shape)] }
        guard let result = try CalibratedRange.codes(node.attributes, form.outputIsUnsigned ? .uint8 : .int8) else {
            return [ValueType(.int32, shape, quantization: .foundAtRunTime)]
        }
        return [ValueType(result.dataType, shape, quantization: .known(result.grid))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        try FusedConvolutionLowering(node).lower(&lowering)
    }

    let examples = [
        OperatorExample(
            "with BatchNorm and relu",
            """
            %data: float32[2, 3, 8, 8] = input
            %weight: float32[4, 3, 3, 3] = parameter(...)
            %gamma: float32[4] = parameter(...)
            %beta: float32[4] = parameter(...)
            %mean: float32[4] = parameter(...)
            %var: float32[4] = parameter(0.25, 1, 1, 4)
            %fused_output = FusedConvolution(%data, %weight, %gamma, %beta, %mean, %var) {with_act="true", with_bn="true"} \
              origins=[conv, bn, relu] graph fused {
              %data0 = input
              %weight0 = input
              %gamma0 = input
              %beta0 = input
              %mean0 = input
              %var0 = input
              %conv_output = Convolution(%data0, %weight0) {kernel="(3, 3)", no_bias="True", num_filter="4", pad="(1, 1)"}
              %bn_output = BatchNorm(%conv_output, %gamma0, %beta0, %mean0, %var0) {eps="1e-05", fix_gamma="False"}
              %relu_output = Activation(%bn_output) {act_type="relu"}
              return %relu_output
            }
            return %fused_output
            """),
        OperatorExample(
            "with a residual",
            """
            %data: float32[2, 4, 6, 6] = input
            %residual: float32[2, 4, 6, 6] = input
            %weight: float32[4, 4, 3, 3] = parameter(...)
            %bias: float32[4] = parameter(...)
            %fused_output = FusedConvolution(%data, %weight, %bias, %residual) {with_postsum_act="true", with_sum="true"} \
              origins=[conv, add, relu] graph fused {
              %data0 = input
              %weight0 = input
              %bias0 = input
              %conv_output = Convolution(%data0, %weight0, %bias0) {kernel="(3, 3)", num_filter="4", pad="(1, 1)"}
              %residual0 = input
              %add_output = elemwise_add(%conv_output, %residual0)
              %relu_output = Activation(%add_output) {act_type="relu"}
              return %relu_output
            }
            return %fused_output
            """),
    ]
}

/// What is inside of a fused convolution, read from its body.
public struct FusedConvolutionForm {
    var convolution: ConvolutionAttributes
    /// Node attributes of the BatchNorm, if there is one.
    var batchNorm: Attributes?
    /// Applied before the addition, or without one.
    var activation: ActivationFunction?
    /// Applied after the addition.
    var postSumActivation: ActivationFunction?
    /// Which input the bias is; nil without one.
    public private(set) var biasInput: Int?
    /// Which inputs gamma, beta, mean and variance are; nil without BatchNorm.
    public private(set) var batchNormInputs: Range<Int>?
    /// Which input is added; nil without an addition.
    public private(set) var residualInput: Int?

    /// - Parameters:
    ///   - node: a fused convolution.
    ///   - source: the shape of the data, if padding is to be resolved for it.
    public init(_ node: any NodeDescription, over source: Shape? = nil) throws {
        guard let body = node.bodies.first else { throw ModelError("a fused node without its subgraph") }
        var inputs = 2
        var convolution: ConvolutionAttributes?
        for id in body.topologicalOrder() {
            let inner = body[id]
            switch inner.op {
            case "Convolution":
                convolution = try ConvolutionAttributes(inner.attributes)
                if convolution?.hasBias == true { (biasInput, inputs) = (inputs, inputs + 1) }
            case "BatchNorm":
                batchNorm = inner.attributes
                (batchNormInputs, inputs) = (inputs..<inputs + 4, inputs + 4)
            case "elemwise_add":
                (residualInput, inputs) = (inputs, inputs + 1)
            default:
                let function = try FusedActivation.function(of: inner)
                if residualInput == nil { activation = function } else { postSumActivation = function }
            }
        }
        guard let convolution else { throw ModelError("a fused convolution without a Convolution in its subgraph") }
        // A convolution's channels are its axis 1.
        let rank = convolution.kernel.count + 2
        if let axis = try batchNorm?.integer("axis"), axis != 1, axis + rank != 1 {
            throw ModelError("BatchNorm along axis \(axis) cannot be folded into a convolution")
        }
        self.convolution = try source.map { try convolution.resolved(over: $0) } ?? convolution
    }

    /// mkldnn_conv.cc, IsOutputUInt8: the last activation decides, whatever type was asked for.
    var outputIsUnsigned: Bool {
        guard let last = residualInput == nil ? activation : postSumActivation else { return false }
        return last.isNonNegative
    }

    /// data, weight, [bias], [BatchNorm's four], [residual]
    var inputCount: Int { parameterInputs.count + 1 + (residualInput == nil ? 0 : 1) }

    var parameterInputs: [Int] { [1] + (biasInput.map { [$0] } ?? []) + Array(batchNormInputs ?? 0..<0) }

    var refusalToQuantize: String? {
        if convolution.kernel.count == 1 { return "MXNet has no int8 convolution over one axis" }
        return nil
    }
}

extension ActivationFunction {
    /// The activations whose results MXNet stores as uint8.
    var isNonNegative: Bool {
        switch kind {
        case .relu: alpha == 0
        case .clip: alpha == 0
        case .sigmoid, .softrelu: true
        default: false
        }
    }
}

/// The calibrated range that MXNet writes on quantize, requantize and post-fused nodes, as text with six decimals.
public enum CalibratedRange {
    /// The attribute of the lower end, in real values.
    public static let minimum = "min_calib_range"
    /// The attribute of the upper end, in real values.
    public static let maximum = "max_calib_range"
    /// Says that a layer gives float instead of codes on such a range.
    public static let floatOutput = "enable_float_output"

    /// The range that a node was given; nil without one.
    /// - Throws: `ModelError` if an end is no number.
    public static func read(_ attributes: Attributes) throws -> ValueRange? {
        guard let low = try attributes.number(minimum), let high = try attributes.number(maximum) else { return nil }
        return ValueRange(Float(low), Float(high))
    }

    /// The codes that a layer ends in: those of type `codes` on the calibrated range, or those that ONNX's step and
    /// zero_point describe together with out_type; nil if there is neither.
    static func codes(_ attributes: Attributes, _ codes: DataType) throws -> (dataType: DataType, grid: QuantizationGrid)? {
        if attributes["step"] != nil {
            let type = try QuantizedType(attributes)
            return type.quantization.grid.map { (type.dataType, $0) }
        }
        return try read(attributes).map { (codes, QuantizationGrid(range: $0, of: codes)) }
    }

    /// Codes of type `codes` on the calibrated range, or int32 if there is none.
    static func resultType(_ attributes: Attributes, _ codes: DataType, _ shape: Shape?) throws -> ValueType {
        guard let range = try read(attributes) else { return ValueType(.int32, shape, quantization: .foundAtRunTime) }
        return ValueType(codes, shape, quantization: .known(QuantizationGrid(range: range, of: codes)))
    }
}
