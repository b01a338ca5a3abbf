import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// A convolution over two axes whose taps are moved by offsets (src/operator/contrib/deformable_convolution.cc) and, if
/// modulated, weighed by a mask (modulated_deformable_convolution.cc).
///
/// Inputs: data, offset, [mask], weight, bias unless no_bias. Where a tap leaves the image, the plain one takes the nearest
/// element or zero, the modulated one mixes with zeros, as ONNX's DeformConv does.
struct DeformableConvolution: OperatorDefinition {
    let isModulated: Bool

    init(modulated: Bool) { isModulated = modulated }

    var name: String { "_contrib_\(isModulated ? "Modulated" : "")DeformableConvolution" }
    var summary: String { "convolution with moved\(isModulated ? " and weighed" : "") taps" }
    var mxnet: MXNetForm? {
        let first = firstParameter
        return MXNetForm(
            name, parameterInputs: { node in Array(node.inputs.indices.dropFirst(first)) },
            attributes: WindowAttributes.mxnetAttributes)
    }
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    private var firstParameter: Int { isModulated ? 3 : 2 }

    var onnx: ONNXForm {
        let first = firstParameter
        let write: @Sendable (NodeReader, inout ONNXWriting) throws -> Void = { node, writing in
            let attributes = try ConvolutionAttributes(node.attributes)
            let names = try node.node.inputs.indices.map { try writing.name(node, $0) }
            let groups = try node.attributes.integer("num_deformable_group") ?? 1
            writing.emit(
                "DeformConv", node,
                inputs: [names[0], names[first], names[1], attributes.hasBias ? names[first + 1] : "", names[2]],
                attributes: ONNXWindow(attributes.window).onnx(with: [
                    ONNXAttribute("group", .int(attributes.groups)), ONNXAttribute("offset_group", .int(groups)),
                ]))
        }
        guard isModulated else {
            return .unsupported(because: "ONNX's DeformConv mixes with zeros at the edges, which this one does not")
        }
        return .mapped(ONNXMapping("DeformConv", write: write, read: Self.read).since(19))
    }

    /// Without a mask, all weights are 1.
    private static func read(_ reading: inout ONNXReading) throws {
        guard let weights = reading.storedShape(1) ?? reading.shape(1), weights.rank == 4, reading.inputs.count >= 3
        else { throw ModelError("the shape of its weights is not known") }
        var attributes = try ONNXWindow(reading, kernel: Array(weights.dimensions.dropFirst(2))).attributes
        attributes["num_filter"] = .integer(weights[0])
        attributes["num_group"] = .integer(try reading.integer("group") ?? 1)
        attributes["num_deformable_group"] = .integer(try reading.integer("offset_group") ?? 1)
        attributes["no_bias"] = .text(reading.hasInput(3) ? "False" : "True")
        var mask = reading.hasInput(4) ? reading.inputs[4] : nil
        if mask == nil {
            guard let offsets = reading.shape(2), offsets.rank == 4 else {
                throw ModelError("without a mask, the shape of its offsets has to be known")
            }
            let shape = offsets.replacing(axis: 1, with: offsets[1] / 2)
            guard shape.elementCount <= 1 << 28 else { throw ModelError("its offsets are too large") }
            mask = reading.addParameter("_mask", Tensor([Float](repeating: 1, count: shape.elementCount), shape: shape))
        }
        let inputs = [reading.inputs[0], reading.inputs[2], mask, reading.inputs[1]]
        reading.define(
            "_contrib_ModulatedDeformableConvolution", attributes,
            inputs: inputs + (reading.hasInput(3) ? [reading.inputs[3]] : []))
    }

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let count = firstParameter + (try ConvolutionAttributes(node.attributes).hasBias ? 2 : 1)
        return count...count
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        let shapes = try ConvolutionAttributes(node.attributes).parameterShapes
        return Dictionary(uniqueKeysWithValues: shapes.map { ($0.key + firstParameter - 1, $0.value) })
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try ConvolutionAttributes(node.attributes)
        guard let shape = try node.imageShape() else { return [ValueType(.float32, nil)] }
        return [ValueType(.float32, try attributes.resultShape(of: shape))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try ConvolutionAttributes(node.attributes).resolved(over: node.shape(0))
        let kernel = DeformableConvolutionKernel(
            attributes.kernelOperation(OutputStage(hasBias: attributes.hasBias)),
            deformableGroups: try node.attributes.integer("num_deformable_group") ?? 1, hasMask: isModulated,
            fadesOut: isModulated)
        let operands = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }

    var examples: [OperatorExample] {
        let mask = isModulated ? ", %mask" : ""
        let declaration = isModulated ? "\n%mask: float32[2, 18, 3, 3] = input" : ""
        return [
            OperatorExample(
                "two deformable groups",
                """
                %data: float32[2, 4, 6, 5] = input
                %offset: float32[2, 36, 3, 3] = input\(declaration)
                %weight: float32[6, 2, 3, 3] = parameter(...)
                %bias: float32[6] = parameter(...)
                %conv_output = \(name)(%data, %offset\(mask), %weight, %bias) {kernel="(3, 3)", num_deformable_group="2", num_filter="6", num_group="2", pad="(1, 1)", stride="(2, 2)"}
                return %conv_output
                """)
        ]
    }
}
