import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = W ⋆ x + b over 1, 2 or 3 spatial axes (src/operator/nn/convolution.cc).
/// Inputs: data N×C×…, weight filters×(C/groups)×kernel…, bias [filters] unless no_bias.
struct Convolution: OperatorDefinition {
    let name = "Convolution"
    let summary = "convolution: grouped, dilated, with or without bias"
    let mxnet: MXNetForm? = MXNetForm(
        "Convolution", "Convolution_v1", "_npx_convolution", quantized: "_contrib_quantized_conv",
        parameterInputs: { node in Array(node.inputs.indices.dropFirst()) },
        rangedInputs: { node in Array(node.inputs.indices) }, attributes: WindowAttributes.mxnetAttributes)
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .must, result: .sums, codeInputs: { node, _ in Array(node.inputs.indices) },
            refusal: { node in
                let axes = (try? node.attributes.integers("kernel")).flatMap { $0?.count } ?? 0
                return axes == 1 ? "MXNet has no int8 convolution over one axis" : nil
            }))

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Conv",
            write: { node, writing in
                let attributes = try ConvolutionAttributes(node.attributes)
                let window = ONNXWindow(attributes.window)
                writing.emit(
                    "Conv", node, inputs: try (0..<(attributes.hasBias ? 3 : 2)).map { try writing.name(node, $0) },
                    attributes: window.onnx(with: [ONNXAttribute("group", .int(attributes.groups))]))
            },
            read: { reading in
                guard let weights = reading.storedShape(1) ?? reading.shape(1), weights.rank > 2 else {
                    throw ModelError("the shape of its weights is not known")
                }
                var attributes = try ONNXWindow(reading, kernel: Array(weights.dimensions.dropFirst(2))).attributes
                attributes["num_filter"] = .integer(weights[0])
                attributes["num_group"] = .integer(try reading.integer("group") ?? 1)
                attributes["no_bias"] = .text(reading.hasInput(2) ? "False" : "True")
                reading.define("Convolution", attributes)
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try ConvolutionAttributes(node.attributes).hasBias ? 3...3 : 2...2
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        try ConvolutionAttributes(node.attributes).parameterShapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try ConvolutionAttributes(node.attributes)
        let shape = try node.type(0).shape.map { try attributes.resultShape(of: $0) }
        guard try node.type(0).isQuantized else { return [ValueType(.float32, shape)] }
        return [ValueType(.int32, shape, quantization: .foundAtRunTime)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try ConvolutionAttributes(node.attributes).resolved(over: node.shape(0))
        guard try !node.type(0).isQuantized else {
            let layer = UnfusedLayerLowering(node: node, hasBias: attributes.hasBias) { stage, operands, lowering in
                try lowering.add(attributes.kernelOperation(stage), operands, node)
            }
            return try layer.lower(&lowering)
        }
        let kernel = attributes.kernelOperation(OutputStage(hasBias: attributes.hasBias))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }

    let examples = [
        OperatorExample(
            "stride, padding and bias",
            """
            %data: float32[2, 3, 9, 8] = input
            %weight: float32[4, 3, 3, 3] = parameter(...)
            %bias: float32[4] = parameter(...)
            %conv_output = Convolution(%data, %weight, %bias) {kernel="(3, 3)", num_filter="4", pad="(1, 1)", stride="(2, 2)"}
            return %conv_output
            """),
        OperatorExample(
            "grouped and dilated",
            """
            %data: float32[1, 4, 9, 9] = input
            %weight: float32[6, 2, 3, 3] = parameter(...)
            %conv_output = Convolution(%data, %weight) {dilate="(2, 2)", kernel="(3, 3)", no_bias="True", num_filter="6", num_group="2"}
            return %conv_output
            """),
        OperatorExample(
            "over one axis",
            """
            %data: float32[2, 3, 10] = input
            %weight: float32[5, 3, 3] = parameter(...)
            %conv_output = Convolution(%data, %weight) {kernel="(3,)", no_bias="True", num_filter="5", pad="(1,)"}
            return %conv_output
            """),
        OperatorExample(
            "over three axes, each with its own window",
            """
            %data: float32[1, 2, 4, 6, 5] = input
            %weight: float32[4, 2, 2, 3, 1] = parameter(...)
            %bias: float32[4] = parameter(...)
            %conv_output = Convolution(%data, %weight, %bias) {dilate="(1, 2, 1)", kernel="(2, 3, 1)", layout="NCDHW", num_filter="4", pad="(0, 1, 0)", stride="(2, 1, 2)"}
            return %conv_output
            """),
        OperatorExample(
            "a filter for each channel",
            """
            %data: float32[2, 16, 6, 5] = input
            %weight: float32[16, 1, 3, 2] = parameter(...)
            %conv_output = Convolution(%data, %weight) {kernel="(3, 2)", no_bias="True", num_filter="16", num_group="16", pad="(1, 1)"}
            return %conv_output
            """),
    ]
}
