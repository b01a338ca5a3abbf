import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// exp(x/T) / Σ exp(x/T) along an axis, its logarithm, or the softmax of −x (src/operator/nn/softmax.cc).
struct Softmax: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "its exponentials need more than 256 steps")
    private let isLogarithm: Bool
    private let sign: Float

    init(_ name: String, _ form: MXNetForm, _ summary: String, isLogarithm: Bool = false, sign: Float = 1) {
        self.name = name
        mxnet = form
        self.summary = summary
        self.isLogarithm = isLogarithm
        self.sign = sign
    }

    static let all = [
        Softmax("softmax", MXNetForm("softmax", "_npx_softmax"), "exponentials that sum to 1 along an axis"),
        Softmax(
            "log_softmax", MXNetForm("log_softmax", "_npx_log_softmax"), "logarithm of softmax", isLogarithm: true),
        Softmax("softmin", MXNetForm("softmin"), "softmax of the negated data", sign: -1),
    ]

    private var onnxType: String { isLogarithm ? "LogSoftmax" : "Softmax" }

    var onnx: ONNXForm {
        let definition = self
        var mapping = ONNXMapping(
            write: { node, writing in
                let (axis, factor) = try definition.form(node.attributes)
                var input = try writing.name(node, 0)
                if factor != 1 {
                    let scaled = node.node.name + "_scaled"
                    let constant = writing.initializer(node.node.name + "_factor", Tensor([factor], shape: []))
                    writing.emit("Mul", node, inputs: [input, constant], suffix: "_scale", outputs: [scaled])
                    input = scaled
                }
                writing.emit(
                    definition.onnxType, node, inputs: [input], attributes: [ONNXAttribute("axis", .int(axis))])
            },
            read: { reading in try FlattenedSoftmax.read(&reading, asAlongAxis: definition.name) })
        if sign == 1 { mapping.types = [onnxType] }
        return .mapped(mapping)
    }

    /// The axis, and what the data is multiplied by.
    private func form(_ attributes: Attributes) throws -> (axis: Int, factor: Float) {
        guard try !(attributes.boolean("use_length") ?? false) else {
            throw ModelError(
                "use_length=True is not supported", advice: "mask the data before, with SequenceMask or where")
        }
        let temperature = try attributes.number("temperature") ?? 1
        guard temperature != 0, temperature.isFinite else {
            throw ModelError("temperature=\(temperature) is not possible")
        }
        return (try attributes.integer("axis") ?? -1, sign / Float(temperature))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let axis = try form(node.attributes).axis, type = try node.type(0)
        if let shape = type.shape { _ = try shape.normalized(axes: [axis]) }
        return [ValueType(type.dataType.computed, type.shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (axis, factor) = try form(node.attributes)
        var source = try lowering.floatValue(node, 0)
        if factor != 1 {
            source = try lowering.add(ActivationKernel(ActivationFunction(.linear, alpha: factor)), [source], node)
        }
        let kernel = SoftmaxKernel(axis: axis, isLogarithm: isLogarithm)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source], node)))
    }

    var examples: [OperatorExample] {
        [("the last axis", ""), ("an axis in the middle", "axis=\"1\""), ("with a temperature", "temperature=\"0.5\"")]
            .map { title, attributes in
                OperatorExample(
                    title,
                    """
                    %data: float32[2, 3, 4] = input
                    %softmax_output = \(name)(%data) {\(attributes)}
                    return %softmax_output
                    """)
            }
    }
}

/// The softmax of ONNX before opset 13: all axes from `axis` on count as one. Hardmax is of this kind, too, or, with
/// `flattens` 0, along one axis. ONNX's Softmax, LogSoftmax, Hardmax.
struct FlattenedSoftmax: OperatorDefinition {
    enum Function: String, CaseIterable { case softmax, log_softmax, hardmax }

    let name = "FlattenedSoftmax"
    let summary = "softmax, its logarithm or hardmax, over one axis or all from one on"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "its exponentials need more than 256 steps")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Hardmax",
            write: { node, writing in
                let form = try Form(node.attributes), shape = try node.shape(0)
                let types: [Function: String] = [.softmax: "Softmax", .log_softmax: "LogSoftmax", .hardmax: "Hardmax"]
                let type = types[form.function] ?? "Softmax", name = node.node.name
                guard form.flattens else {
                    return writing.emit(
                        type, node, inputs: [try writing.name(node, 0)],
                        attributes: [ONNXAttribute("axis", .int(form.axis))])
                }
                let matrix = try form.matrix(of: shape)
                for (suffix, extents) in [("_rows", matrix), ("_shape", shape)] {
                    writing.initializer(name + suffix, Tensor(extents.dimensions.map { Int64($0) }))
                }
                writing.emit(
                    "Reshape", node, inputs: [try writing.name(node, 0), name + "_rows"], suffix: "_flatten",
                    outputs: [name + "_flat"])
                writing.emit(
                    type, node, inputs: [name + "_flat"], attributes: [ONNXAttribute("axis", .int(1))],
                    suffix: "_row", outputs: [name + "_row_output"])
                writing.emit("Reshape", node, inputs: [name + "_row_output", name + "_shape"])
            },
            read: { reading in try FlattenedSoftmax.read(&reading, asAlongAxis: nil) }))

    /// Reads Softmax, LogSoftmax or Hardmax: as `op`, which works along one axis, if that means the same.
    static func read(_ reading: inout ONNXReading, asAlongAxis op: String?) throws {
        let flattens = reading.opset < 13
        let axis = try reading.integer("axis") ?? (flattens ? 1 : -1)
        let rank = reading.shape(0)?.rank
        let isLast = axis == -1 || rank.map { axis == $0 - 1 } ?? false
        // Where all axes behind are of extent 1, or there are none.
        let isOne =
            !flattens || isLast
            || reading.shape(0).map { shape in
                shape.normalized(axis: axis).map { shape.dimensions[($0 + 1)...].allSatisfy { $0 == 1 } } ?? false
            } ?? false
        if isOne, let op { return reading.define(op, ["axis": .integer(axis)]) }
        let functions = ["Softmax": "softmax", "LogSoftmax": "log_softmax"]
        reading.define(
            "FlattenedSoftmax",
            [
                "axis": .integer(axis), "flattens": .integer(isOne ? 0 : 1),
                "function": .text(functions[reading.node.opType] ?? "hardmax"),
            ])
    }

    struct Form {
        var axis: Int
        var flattens: Bool
        var function: Function

        init(_ attributes: Attributes) throws {
            axis = try attributes.integer("axis") ?? 1
            flattens = try attributes.boolean("flattens") ?? true
            function = try attributes.choice("function", default: .softmax)
        }

        func matrix(of shape: Shape) throws -> Shape {
            // The axis may stand behind the last one.
            guard let axis = axis == shape.rank ? axis : shape.normalized(axis: axis) else {
                throw ModelError("\(shape) has no axis \(axis)")
            }
            return Shape([shape.dimensions[..<axis].reduce(1, *), shape.dimensions[axis...].reduce(1, *)])
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        _ = try Form(node.attributes)
        return [ValueType(try node.type(0).dataType.computed, try node.type(0).shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try Form(node.attributes)
        var source = try lowering.floatValue(node, 0)
        let shape = lowering.type(of: LoweredValue(source)).shape
        if form.flattens { source = try lowering.add(ReshapeKernel(try form.matrix(of: shape)), [source], node) }
        let axis = form.flattens ? 1 : form.axis
        var result: BufferID
        if form.function == .hardmax {
            let type = lowering.type(of: LoweredValue(source))
            let place = try type.shape.normalized(axes: [axis])[0]
            let best = ArgReductionKernel(findsLargest: true, axis: place, keepsAxis: false, outputType: .int64)
            let index = try lowering.add(best, [source], node)
            let values = lowering.addConstant(Tensor([0, 1] as [Float]))
            let oneHot = OneHotKernel(axis: place, depth: type.shape[place], countsFromEnd: false)
            result = try lowering.add(oneHot, [index, values], node)
        } else {
            let kernel = SoftmaxKernel(axis: axis, isLogarithm: form.function == .log_softmax)
            result = try lowering.add(kernel, [source], node)
        }
        if form.flattens { result = try lowering.add(ReshapeKernel(shape), [result], node) }
        lowering.define(node, LoweredValue(result))
    }

    let examples = [
        ("softmax over two axes", #"axis="1""#), ("its logarithm", #"axis="1", function="log_softmax""#),
        ("hardmax along one axis", #"axis="1", flattens="0", function="hardmax""#),
    ].map { title, attributes in
        OperatorExample(
            title,
            """
            %data: float32[2, 3, 4] = input
            %softmax_output = FlattenedSoftmax(%data) {\(attributes)}
            return %softmax_output
            """)
    }
}
