import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Transposed convolution over 1, 2 or 3 spatial axes (src/operator/nn/deconvolution.cc).
/// Inputs: data N×C×…, weight C×(filters/groups)×kernel…, bias [filters] unless no_bias, which is the default.
///
///     extent = (source − 1) · stride + dilate · (kernel − 1) + 1 − 2 · pad + adj, or target_shape
struct Deconvolution: OperatorDefinition {
    let name = "Deconvolution"
    let summary = "transposed convolution: grouped, dilated, to a given shape"
    let mxnet: MXNetForm? = MXNetForm(
        "Deconvolution", "_npx_deconvolution",
        parameterInputs: { node in Array(node.inputs.indices.dropFirst()) },
        attributes: { node in try DeconvolutionAttributes.mxnetAttributes(node) })
    let quantization = QuantizationRule.float(because: "MXNet has no int8 deconvolution")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "ConvTranspose",
            write: { node, writing in
                let attributes = try DeconvolutionAttributes(node.attributes)
                var onnx = ONNXWindow(attributes.window).onnx(
                    with: [ONNXAttribute("group", .int(attributes.groups))])
                if let target = attributes.target {
                    onnx.removeAll { $0.name == "pads" }
                    onnx.append(ONNXAttribute("output_shape", .ints(target)))
                } else if attributes.adjustment.contains(where: { $0 != 0 }) {
                    onnx.append(ONNXAttribute("output_padding", .ints(attributes.adjustment)))
                }
                let inputs = try (0..<(attributes.hasBias ? 3 : 2)).map { try writing.name(node, $0) }
                writing.emit("ConvTranspose", node, inputs: inputs, attributes: onnx)
            },
            read: { reading in
                guard let weights = reading.storedShape(1) ?? reading.shape(1), weights.rank > 2 else {
                    throw ModelError("the shape of its weights is not known")
                }
                let groups = try reading.integer("group") ?? 1
                let rank = weights.rank - 2
                var window = try ONNXWindow(reading, kernel: Array(weights.dimensions.dropFirst(2))).window
                let adjustment = try reading.integers("output_padding") ?? [Int](repeating: 0, count: rank)
                var target = try reading.integers("output_shape").map { Array($0.suffix(rank)) }
                if let shape = target, let source = reading.shape(0),
                    window.automaticPadding != nil || adjustment.contains(where: { $0 != 0 })
                {
                    // Both at once is more than MXNet's attributes say; the padding that they give is not.
                    window = try DeconvolutionAttributes.padding(window, adjustment, source: source, target: shape)
                    target = nil
                } else if target != nil, adjustment.contains(where: { $0 != 0 }) {
                    throw ModelError("output_shape and output_padding need the shape of its data")
                }
                var attributes = ONNXWindow(window).attributes
                if adjustment.contains(where: { $0 != 0 }) { attributes["adj"] = .integers(adjustment) }
                if let target { attributes["target_shape"] = .integers(target) }
                attributes["num_filter"] = .integer(weights[1] &* groups)
                attributes["num_group"] = .integer(groups)
                attributes["no_bias"] = .text(reading.hasInput(2) ? "False" : "True")
                reading.define("Deconvolution", attributes)
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try DeconvolutionAttributes(node.attributes).hasBias ? 3...3 : 2...2
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        let attributes = try DeconvolutionAttributes(node.attributes)
        return [1: [nil, attributes.filters / attributes.groups] + attributes.window.kernel]
            .merging(attributes.hasBias ? [2: [attributes.filters]] : [:]) { first, _ in first }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try DeconvolutionAttributes(node.attributes)
        return [ValueType(.float32, try node.type(0).shape.map { try attributes.resultShape(of: $0) })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try DeconvolutionAttributes(node.attributes)
        let kernel = try attributes.kernelOperation(OutputStage(hasBias: attributes.hasBias), over: node.shape(0))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }

    let examples = [
        OperatorExample(
            "stride, padding and bias",
            """
            %data: float32[2, 3, 4, 5] = input
            %weight: float32[3, 2, 4, 3] = parameter(...)
            %bias: float32[2] = parameter(...)
            %deconv_output = Deconvolution(%data, %weight, %bias) {adj="(0, 1)", kernel="(4, 3)", no_bias="False", num_filter="2", pad="(1, 1)", stride="(2, 2)"}
            return %deconv_output
            """),
        OperatorExample(
            "grouped and dilated",
            """
            %data: float32[1, 4, 3, 4] = input
            %weight: float32[4, 3, 2, 3] = parameter(...)
            %deconv_output = Deconvolution(%data, %weight) {dilate="(2, 1)", kernel="(2, 3)", num_filter="6", num_group="2"}
            return %deconv_output
            """),
        OperatorExample(
            "to a given shape",
            """
            %data: float32[2, 3, 4, 5] = input
            %weight: float32[3, 2, 3, 3] = parameter(...)
            %deconv_output = Deconvolution(%data, %weight) {adj="(1, 1)", kernel="(3, 3)", num_filter="2", pad="(1, 1)", stride="(2, 2)", target_shape="(8, 9)"}
            return %deconv_output
            """),
        OperatorExample(
            "over one axis",
            """
            %data: float32[2, 3, 5] = input
            %weight: float32[3, 4, 4] = parameter(...)
            %deconv_output = Deconvolution(%data, %weight) {kernel="(4,)", num_filter="4", pad="(1,)", stride="(2,)"}
            return %deconv_output
            """),
        OperatorExample(
            "over three axes",
            """
            %data: float32[1, 3, 2, 3, 2] = input
            %weight: float32[3, 2, 2, 2, 3] = parameter(...)
            %deconv_output = Deconvolution(%data, %weight) {kernel="(2, 2, 3)", num_filter="2", stride="(2, 1, 2)"}
            return %deconv_output
            """),
    ]
}

/// The attributes of MXNet's Deconvolution (src/operator/nn/deconvolution-inl.h, DeconvolutionParam).
struct DeconvolutionAttributes {
    var window: WindowAttributes
    var filters: Int
    var groups: Int
    var hasBias: Bool
    /// How much longer the result is made at its end.
    var adjustment: [Int]
    /// The spatial extents of the result, if they are given: padding and adjustment follow from them.
    var target: [Int]?

    init(_ attributes: Attributes) throws {
        let convolution = try ConvolutionAttributes(attributes, hasBias: false)
        window = convolution.window
        filters = convolution.filters
        groups = convolution.groups
        hasBias = convolution.hasBias
        let rank = window.kernel.count
        adjustment = try WindowAttributes.spatial(attributes, "adj", rank: rank, default: 0)
        let target = try WindowAttributes.spatial(attributes, "target_shape", rank: rank, default: 0)
        guard target.contains(where: { $0 != 0 }) else { return }
        guard target.allSatisfy({ $0 > 0 }) else {
            throw ModelError("target_shape=(\(target.commaSeparated)) leaves an axis without elements")
        }
        self.target = target
    }

    func kernelOperation(_ stage: OutputStage, over source: Shape) throws -> DeconvolutionKernel {
        try window.check(source)
        var window = window, adjustment = adjustment
        if let target {
            adjustment = adjustment.map { _ in 0 }
            window = try Self.padding(window, adjustment, source: source, target: target)
        } else if window.automaticPadding != nil {
            let target = try window.kernel.indices.map { axis in
                try WindowAttributes.product(source[axis + 2], window.strides[axis])
            }
            window = try Self.padding(window, adjustment, source: source, target: target)
        }
        return DeconvolutionKernel(
            strides: window.strides, dilations: window.dilations, padsBegin: window.pads,
            padsEnd: zip(window.padsEnd, adjustment).map { $0 - $1 }, groups: groups, stage: stage)
    }

    /// The padding that gives a target: half of what is too much at either end, the odd one at the beginning, or at the
    /// end for SAME_UPPER (deconvolution-inl.h, InferPad; ONNX's ConvTranspose).
    static func padding(
        _ window: WindowAttributes, _ adjustment: [Int], source: Shape, target: [Int]
    ) throws -> WindowAttributes {
        try window.check(source)
        guard target.count == window.kernel.count, adjustment.count == target.count else {
            throw ModelError("a result of (\(target.commaSeparated)) does not fit the kernel")
        }
        var padded = window
        padded.automaticPadding = nil
        for axis in target.indices {
            let whole =
                try WindowAttributes.product(source[axis + 2] - 1, window.strides[axis]) + window.reach(axis)
                + adjustment[axis]
            guard whole >= target[axis] else {
                throw ModelError("a result of \(target[axis]) elements is more than the \(whole) that there are")
            }
            padded.split(whole - target[axis], axis, window.automaticPadding ?? .lower)
        }
        return padded
    }

    /// MXNet crops `pad` at the beginning, and `adj` less at the end.
    /// - Throws: `ModelError` where more is cropped at the end than at the beginning.
    static func mxnetAttributes(_ node: NodeReader) throws -> Attributes {
        guard node.attributes["auto_pad"] != nil || node.attributes["pad_end"] != nil else { return node.attributes }
        let attributes = try DeconvolutionAttributes(node.attributes)
        let kernel = try attributes.kernelOperation(OutputStage(), over: node.shape(0))
        let adjustment = zip(kernel.padsBegin, kernel.padsEnd).map { $0 - $1 }
        guard zip(adjustment, kernel.strides).allSatisfy({ 0 <= $0 && $0 < max($1, 1) }) else {
            throw ModelError(
                "crops (\(kernel.padsBegin.commaSeparated)) at the beginning and (\(kernel.padsEnd.commaSeparated)) "
                    + "at the end, which MXNet cannot", at: node.place)
        }
        var result = node.attributes
        for name in ["auto_pad", "pad_end", "target_shape", "adj"] { result[name] = nil }
        result["pad"] = .integers(kernel.padsBegin)
        if adjustment.contains(where: { $0 != 0 }) { result["adj"] = .integers(adjustment) }
        return result
    }

    func resultShape(of source: Shape) throws -> Shape {
        let kernel = try kernelOperation(OutputStage(), over: source)
        let weights = try Shape(checking: [source[1], filters / groups] + window.kernel)
        return try kernel.resultTypes([TensorType(.float32, source), TensorType(.float32, weights)])[0].shape
    }
}
