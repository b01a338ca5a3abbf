import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// leaky x < 0 ? slope · x : x, prelu with a stored slope for each channel, elu, selu, gelu, and rrelu, whose slope is
/// the middle of its bounds at inference (src/operator/leaky_relu-inl.h).
struct LeakyReLU: ElementFunction {
    enum Kind: String, CaseIterable { case leaky, prelu, elu, selu, gelu, rrelu }

    let name = "LeakyReLU"
    let summary = "leaky, prelu, elu, selu, gelu, rrelu"
    let mxnet: MXNetForm? = {
        var form = MXNetForm(
            hiddenOutputs: { $0.attributes.text("act_type") == "rrelu" ? 1 : 0 },
            parameterInputs: { $0.attributes.text("act_type") == "prelu" ? [1] : [] })
        form.names = ["LeakyReLU", "_npx_leaky_relu"]
        return form
    }()
    let quantization = QuantizationRule.float(because: "it is only quantized where it is fused into a layer before it")

    /// SELU's two numbers, as MXNet and ONNX have them.
    private static let selu = (alpha: Float(1.6732632423543772), scale: Float(1.0507009873554805))

    static func kind(of node: any NodeDescription) throws -> Kind {
        try node.attributes.choice("act_type", default: Kind.leaky)
    }

    func function(of node: any NodeDescription) throws -> ActivationFunction { try Self.plainFunction(of: node) }

    private static func plainFunction(of node: any NodeDescription) throws -> ActivationFunction {
        let slope = Float(try node.attributes.number("slope") ?? 0.25)
        switch try Self.kind(of: node) {
        case .leaky: return ActivationFunction(.relu, alpha: slope)
        case .elu: return ActivationFunction(.elu, alpha: slope)
        case .selu: return ActivationFunction(.elu, alpha: Self.selu.alpha, scale: Self.selu.scale)
        case .gelu: return ActivationFunction(.gelu)
        case .rrelu:
            let low = try node.attributes.number("lower_bound") ?? 0.125
            let high = try node.attributes.number("upper_bound") ?? 0.334
            return ActivationFunction(.relu, alpha: (Float(low) + Float(high)) / 2)
        case .prelu: throw ModelError("prelu has a slope for each channel")
        }
    }

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try Self.kind(of: node) == .prelu ? 2...2 : 1...1
    }

    // MARK: ONNX

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "LeakyRelu", "PRelu", "Elu", "Selu", "Gelu",
            write: { node, writing in try LeakyReLU.write(node, &writing) }, read: { try LeakyReLU.read(&$0) }))

    private static func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let kind = try kind(of: node.node)
        guard kind != .prelu else { return try writePReLU(node, &writing) }
        let function = try plainFunction(of: node.node), alpha = ONNXAttribute("alpha", .float(function.alpha))
        switch kind {
        case .leaky, .rrelu: try writing.emit(.apply("LeakyRelu", [.x], [alpha]), node)
        case .elu: try writing.emit(.apply("Elu", [.x], [alpha]), node)
        case .selu: try writing.emit(.op("Selu", .x), node)
        case .gelu where writing.opset >= 20: try writing.emit(.op("Gelu", .x), node)
        default:
            let phi = .op("Erf", .x * .number(0.5.squareRoot())) + ONNXExpression.number(1)
            try writing.emit(.x * .number(0.5) * phi, node)
        }
    }

    /// ONNX repeats the slope from the last axis on; MXNet's belongs to axis 1.
    private static func writePReLU(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let slope = try node.shape(1), shape = try slopeShape(slope, rank: node.shape(0).rank)
        guard shape != slope else { return try writing.emit(.op("PRelu", .x, .input(1)), node) }
        if let stored = try node.input(1).tensor {
            let name = writing.initializer(node.node.name + "_slope", stored.asFloat32().reshaped(shape))
            return try writing.emit(.op("PRelu", .x, .value(name)), node)
        }
        let axes = writing.initializer(
            node.node.name + "_slope_shape", Tensor(shape.dimensions.map(Int64.init)))
        let output = node.node.name + "_slope"
        writing.emit("Reshape", node, inputs: [try writing.name(node, 1), axes], suffix: "_slope", outputs: [output])
        try writing.emit(.op("PRelu", .x, .value(output)), node)
    }

    private static func read(_ reading: inout ONNXReading) throws {
        func define(_ kind: Kind, slope: Float? = nil) {
            var attributes: Attributes = ["act_type": .text(kind.rawValue)]
            if let slope { attributes["slope"] = .text("\(slope)") }
            reading.define("LeakyReLU", attributes)
        }
        switch reading.node.opType {
        case "LeakyRelu": define(.leaky, slope: try reading.number("alpha") ?? 0.01)
        case "Elu": define(.elu, slope: try reading.number("alpha") ?? 1)
        case "Gelu":
            guard reading.text("approximate") != "tanh" else { return reading.define("GeluTanh") }
            define(.gelu)
        case "Selu":
            let alpha = try reading.number("alpha") ?? selu.alpha, gamma = try reading.number("gamma") ?? selu.scale
            if alpha == selu.alpha, gamma == selu.scale { return define(.selu) }
            let elu = reading.add(
                "LeakyReLU", ["act_type": .text("elu"), "slope": .text("\(alpha)")], inputs: reading.inputs,
                suffix: "_elu")
            reading.define("_mul_scalar", ["scalar": .text("\(gamma)")], inputs: [elu])
        case _ where reading.opset < 7: define(.prelu)
        default:
            guard let slope = reading.storedShape(1), slope.elementCount == slope.dimensions.first ?? 1,
                slope.rank > 1 || slope.elementCount == 1 || reading.shape(0)?.rank == 2
            else { return reading.define("PRelu") }
            guard slope.rank > 1, let tensor = reading.constant(1) else { return define(.prelu) }
            let slopes = reading.addParameter("_slopes", tensor.reshaped([slope.elementCount]))
            reading.define(
                "LeakyReLU", ["act_type": .text("prelu")], inputs: [reading.inputs.first ?? nil, slopes])
        }
    }

    // MARK: Types and kernels

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        guard try Self.kind(of: node.node) == .prelu else {
            _ = try function(of: node.node)
            return [type]
        }
        if let shape = type.shape, let slope = try node.type(1).shape {
            guard try Shape(broadcasting: [shape, Self.slopeShape(slope, rank: shape.rank)]) == shape else {
                throw ModelError("slopes of \(slope) do not fit \(shape)")
            }
        }
        return [type]
    }

    /// One slope, or one for each index along axis 1.
    private static func slopeShape(_ slope: Shape, rank: Int) throws -> Shape {
        guard slope.rank == 1, slope[0] > 1, rank > 2 else { return slope }
        return Shape([slope[0]] + [Int](repeating: 1, count: rank - 2))
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        guard try Self.kind(of: node.node) == .prelu else { return try lowerFunction(node, &lowering) }
        let source = try lowering.floatValue(node, 0)
        var slope = try lowering.floatValue(node, 1)
        let shape = try Self.slopeShape(lowering.type(of: slope).shape, rank: lowering.type(of: source).shape.rank)
        slope = try lowering.add(ReshapeKernel(shape), [slope], node)
        lowering.define(node, LoweredValue(try lowering.add(BinaryKernel(.leakyRelu), [source, slope], node)))
    }

    // MARK: Examples

    let examples =
        Kind.allCases.filter { $0 != .prelu }.map { kind in
            OperatorExample(
                kind.rawValue,
                """
                %data: float32[2, 3, 4] = input
                %scaled_output = _mul_scalar(%data) {scalar="4"}
                %act_output = LeakyReLU(%scaled_output) {act_type="\(kind.rawValue)"}
                return %act_output
                """)
        }
        + [("a slope for each channel", 3), ("one slope", 1)].map { title, count in
            OperatorExample(
                title,
                """
                %data: float32[2, 3, 4, 4] = input
                %slope: float32[\(count)] = parameter(...)
                %act_output = LeakyReLU(%data, %slope) {act_type="prelu"}
                return %act_output
                """)
        }
}
