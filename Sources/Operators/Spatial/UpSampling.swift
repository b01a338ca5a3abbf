import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Images made `scale` times as large (src/operator/nn/upsampling-inl.h).
///
/// `nearest` repeats elements; of several inputs, each is brought to the size of the first result, and they are
/// concatenated along the channels or added. `bilinear` takes the weights C×1×k×k of a transposed convolution.
struct UpSampling: OperatorDefinition {
    enum Kind: String, CaseIterable { case nearest, bilinear }
    enum Joining: String, CaseIterable { case concat, sum }

    let name = "UpSampling"
    let summary = "images enlarged by a whole factor"
    let mxnet: MXNetForm? = MXNetForm(
        "UpSampling", parameterInputs: { node in node.attributes.text("sample_type") == "bilinear" ? [1] : [] })
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: UpSampling.write))

    private static func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let form = try UpSamplingForm(node)
        if form.kind == .bilinear {
            let kernel = form.deconvolution(channels: try node.shape(0)[1])
            return writing.emit(
                "ConvTranspose", node, inputs: try (0..<2).map { try writing.name(node, $0) },
                attributes: [
                    ONNXAttribute("group", .int(kernel.groups)),
                    ONNXAttribute("kernel_shape", .ints([form.window, form.window])),
                    ONNXAttribute("pads", .ints(kernel.padsBegin + kernel.padsEnd)),
                    ONNXAttribute("strides", .ints(kernel.strides)),
                ])
        }
        let count = node.node.inputs.count
        let results = try (0..<count).map { input in
            let factor = Float(try form.factor(ofInput: input, node))
            let scales = writing.initializer(
                node.node.name + "_scales\(input)", Tensor([1, 1, factor, factor]))
            let output = count == 1 ? writing.output(node) : "\(node.node.name)_resized\(input)"
            writing.emit(
                "Resize", node, inputs: [try writing.name(node, input), "", scales],
                attributes: [
                    ONNXAttribute("coordinate_transformation_mode", .string("asymmetric")),
                    ONNXAttribute("mode", .string("nearest")), ONNXAttribute("nearest_mode", .string("floor")),
                ], suffix: count == 1 ? "" : "_resize\(input)", outputs: [output])
            return output
        }
        guard count > 1 else { return }
        let axis = ONNXAttribute("axis", .int(1))
        writing.emit(
            form.joining == .sum ? "Sum" : "Concat", node, inputs: results,
            attributes: form.joining == .sum ? [] : [axis])
    }

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let count = try node.attributes.integer("num_args") ?? 1
        guard 1...(1 << 16) ~= count else { throw ModelError("num_args=\(count) is out of range") }
        return node.attributes.text("sample_type") == "bilinear" ? 2...2 : count...count
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try UpSamplingForm(node)
        guard let shape = try node.imageShape() else { return [ValueType(.float32, nil)] }
        var channels = shape[1]
        if form.kind == .nearest, form.joining == .concat {
            for input in node.node.inputs.indices.dropFirst() {
                guard let other = try node.imageShape(input) else { return [ValueType(.float32, nil)] }
                channels += other[1]
            }
        }
        let extents = [shape[0], channels, shape[2] * form.scale, shape[3] * form.scale]
        return [ValueType(.float32, try Shape(checking: extents))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try UpSamplingForm(node), shape = try node.knownImageShape()
        if form.kind == .bilinear {
            let operands = try (0..<2).map { try lowering.floatValue(node, $0) }
            let kernel = form.deconvolution(channels: shape[1])
            return lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
        }
        var results = try node.node.inputs.indices.map { input in
            let factor = try form.factor(ofInput: input, node), source = try node.shape(input)
            let axes = [2, 3].map { ResamplingAxis.repeated(source[$0], scale: factor) }
            return try lowering.add(
                ResamplingKernel(axes: [nil, nil] + axes), [lowering.floatValue(node, input)], node)
        }
        if results.count > 1, form.joining == .concat {
            results = [try lowering.add(ConcatenateKernel(axis: 1), results, node)]
        }
        let first = results[0]
        let sum = try results.dropFirst().reduce(first) { try lowering.add(BinaryKernel(.add), [$0, $1], node) }
        lowering.define(node, LoweredValue(sum))
    }

    let examples = [
        OperatorExample(
            "nearest",
            """
            %data: float32[2, 3, 3, 4] = input
            %up_output = UpSampling(%data) {num_args="1", sample_type="nearest", scale="2"}
            return %up_output
            """),
        OperatorExample(
            "two inputs of different sizes, side by side",
            """
            %data: float32[1, 2, 2, 3] = input
            %more: float32[1, 3, 4, 6] = input
            %up_output = UpSampling(%data, %more) {num_args="2", sample_type="nearest", scale="4"}
            return %up_output
            """),
        OperatorExample(
            "bilinear",
            """
            %data: float32[1, 3, 4, 5] = input
            %weight: float32[3, 1, 4, 4] = parameter(...)
            %up_output = UpSampling(%data, %weight) {num_args="2", num_filter="3", sample_type="bilinear", scale="2"}
            return %up_output
            """),
    ]
}

/// The attributes of UpSampling (src/operator/nn/upsampling-inl.h, UpSamplingParam).
private struct UpSamplingForm {
    let kind: UpSampling.Kind
    let joining: UpSampling.Joining
    let scale: Int

    init(_ node: NodeReader) throws {
        kind = try node.attributes.choice("sample_type", default: UpSampling.Kind.nearest)
        joining = try node.attributes.choice("multi_input_mode", default: UpSampling.Joining.concat)
        scale = try node.attributes.integer("scale") ?? 1
        guard 1...1000 ~= scale else { throw ModelError("scale=\(scale) is out of range") }
    }

    /// How much an input grows: all have the size of the first one's result in the end.
    func factor(ofInput input: Int, _ node: NodeReader) throws -> Int {
        let first = try node.knownImageShape(), other = try node.knownImageShape(input)
        guard first[2] * scale % other[2] == 0,
            other[3] * (first[2] * scale / other[2]) == first[3] * scale
        else { throw ModelError("an input of \(other) cannot be brought to the size of \(first) times \(scale)") }
        return first[2] * scale / other[2]
    }

    /// The extent of the weights of `bilinear`.
    var window: Int { 2 * scale - scale % 2 }

    func deconvolution(channels: Int) -> DeconvolutionKernel {
        let pad = scale / 2
        return DeconvolutionKernel(
            strides: [scale, scale], dilations: [1, 1], padsBegin: [pad, pad], padsEnd: [pad, pad], groups: channels)
    }
}
