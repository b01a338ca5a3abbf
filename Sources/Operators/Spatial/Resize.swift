import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's Resize, and Upsample of opsets 7 and 9: every axis resampled on its own. Attributes are ONNX's; `scales`, `sizes`
/// and `roi`, which ONNX has as inputs, are attributes too.
///
/// What MXNet has is read as its own operators: UpSampling and _contrib_BilinearResize2D.
struct Resize: OperatorDefinition {
    let name = "Resize"
    let summary = "resizing along any axes: nearest, linear or cubic"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(ONNXMapping("Resize", "Upsample", write: Resize.write, read: Resize.read))

    private static func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let form = try ResizeForm(node.attributes), shape = try node.shape(0)
        var inputs = [try writing.name(node, 0), "", "", ""]
        let axes = try form.axisIndices(shape)
        if !form.roi.isEmpty {
            var roi = [Float](repeating: 0, count: shape.rank) + [Float](repeating: 1, count: shape.rank)
            for (index, axis) in axes.enumerated() {
                roi[axis] = form.roi[index]
                roi[shape.rank + axis] = form.roi[axes.count + index]
            }
            inputs[1] = writing.initializer(node.node.name + "_roi", Tensor(roi))
        }
        if form.sizes.isEmpty {
            var scales = [Float](repeating: 1, count: shape.rank)
            for (index, axis) in axes.enumerated() { scales[axis] = form.scales[index] }
            inputs[2] = writing.initializer(node.node.name + "_scales", Tensor(scales))
            inputs.removeLast()
        } else {
            let extents = try form.axes(shape).enumerated().map { Int64($1?.extent ?? shape[$0]) }
            inputs[3] = writing.initializer(node.node.name + "_sizes", Tensor(extents))
        }
        guard writing.opset >= 18 || !form.antialiases, writing.opset >= 19 || form.coordinates != .halfPixelSymmetric
        else { throw ModelError("needs opset 19", at: node.place, advice: "write with --opset 19") }
        var attributes = [
            ONNXAttribute("coordinate_transformation_mode", .string(form.coordinates.rawValue)),
            ONNXAttribute("cubic_coeff_a", .float(form.cubicCoefficient)),
            ONNXAttribute("exclude_outside", .int(form.excludesOutside ? 1 : 0)),
            ONNXAttribute("extrapolation_value", .float(form.extrapolation)),
            ONNXAttribute("mode", .string(form.mode.rawValue)),
            ONNXAttribute("nearest_mode", .string(form.rounding.rawValue)),
        ]
        if form.antialiases { attributes.append(ONNXAttribute("antialias", .int(1))) }
        writing.emit("Resize", node, inputs: inputs, attributes: attributes)
    }

    private static func read(_ reading: inout ONNXReading) throws {
        var attributes: Attributes = [:]
        let isOld = reading.node.opType == "Upsample" || reading.opset < 11
        func constant(_ index: Int, _ name: String) throws -> Tensor? {
            guard reading.hasInput(index) else { return nil }
            guard let tensor = reading.constant(index) else {
                throw ModelError("its \(name) have to be stored in the model")
            }
            return tensor.elementCount == 0 ? nil : tensor
        }
        if case .floats(let scales)? = reading.node.attribute("scales") {
            attributes["scales"] = .numbers(scales.map(Double.init))
        } else if let scales = try constant(isOld ? 1 : 2, "scales") {
            attributes["scales"] = .numbers(scales.floats().map(Double.init))
        }
        if !isOld, let sizes = try constant(3, "sizes") { attributes["sizes"] = .integers(sizes.asInts()) }
        attributes["mode"] = .text(reading.text("mode") ?? "nearest")
        if isOld {
            attributes["coordinate_transformation_mode"] = .text("asymmetric")
            attributes["nearest_mode"] = .text("floor")
        }
        for name in ["coordinate_transformation_mode", "nearest_mode", "keep_aspect_ratio_policy"] where !isOld {
            if let text = reading.text(name) { attributes[name] = .text(text) }
        }
        for name in ["antialias", "exclude_outside"] {
            if let number = try reading.integer(name) { attributes[name] = .integer(number) }
        }
        for name in ["cubic_coeff_a", "extrapolation_value"] {
            if let number = try reading.number(name) { attributes[name] = .number(Double(number)) }
        }
        if let axes = try reading.integers("axes") { attributes["axes"] = .integers(axes) }
        let form = try ResizeForm(attributes)
        if form.coordinates == .cropAndResize, let roi = try constant(1, "roi") {
            attributes["roi"] = .numbers(roi.floats().map(Double.init))
        }
        let inputs = Array(reading.inputs.prefix(1))
        if let shape = reading.shape(0), let (op, own) = try form.mxnet(shape) {
            return reading.define(op, own, inputs: inputs)
        }
        reading.define("Resize", attributes, inputs: inputs)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0), form = try ResizeForm(node.attributes)
        guard let shape = type.shape else { return [ValueType(type.dataType, nil)] }
        let extents = try form.axes(shape).enumerated().map { $1?.extent ?? shape[$0] }
        return [ValueType(type.dataType, try Shape(checking: extents))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try ResizeForm(node.attributes)
        let kernel = ResamplingKernel(axes: try form.axes(node.shape(0)), outside: form.extrapolation)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [lowering.floatValue(node, 0)], node)))
    }

    let examples = [
        OperatorExample(
            "nearest, to given sizes",
            """
            %data: float32[1, 2, 4, 5] = input
            %resize_output = Resize(%data) {mode="nearest", nearest_mode="round_prefer_ceil", sizes=[1, 2, 7, 3]}
            return %resize_output
            """),
        OperatorExample(
            "cubic, by scales",
            """
            %data: float32[1, 2, 4, 5] = input
            %resize_output = Resize(%data) {cubic_coeff_a=-0.5, exclude_outside=1, mode="cubic", scales=[1.0, 1.0, 2.0, 0.6]}
            return %resize_output
            """),
        OperatorExample(
            "linear, along one axis",
            """
            %data: float32[2, 3, 6] = input
            %resize_output = Resize(%data) {coordinate_transformation_mode="pytorch_half_pixel", mode="linear", scales=[1.0, 1.0, 1.5]}
            return %resize_output
            """),
    ]
}
