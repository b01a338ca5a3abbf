import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = (x − mean) / √(variance + eps) · gamma + beta with stored statistics (src/operator/nn/batch_norm.cc).
/// Inputs: data, gamma, beta, moving_mean, moving_var, all [C], where C is the extent of the data along `axis`. With
/// fix_gamma, gamma counts as 1. With output_mean_var, mean and 1 / √(variance + eps) are outputs too.
struct BatchNorm: OperatorDefinition {
    let name = "BatchNorm"
    let summary = "batch normalization with stored statistics, along any axis"
    let mxnet: MXNetForm? = MXNetForm(
        "BatchNorm", "_npx_batch_norm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "CuDNNBatchNorm",
        quantized: "_contrib_quantized_batch_norm",
        hiddenOutputs: { node in (try? node.attributes.boolean("output_mean_var")) == true ? 0 : 2 },
        auxiliaryInputs: { _ in [3, 4] }, parameterInputs: { _ in [1, 2, 3, 4] },
        // Of the devices that share statistics while they train.
        attributes: { node in node.attributes.filter { $0.key != "key" && $0.key != "ndev" } })
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .support, result: .calibratedCodes,
            refusal: { node in
                let axis = (try? node.attributes.integer("axis")).flatMap { $0 } ?? 1
                let rank = (try? node.type(0).shape).flatMap { $0?.rank }
                if axis != 1, axis + (rank ?? 0) != 1 { return "on codes, it goes along axis 1 only" }
                return node.node.outputs.count > 1 ? "its mean and variance are asked for" : nil
            }))

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "BatchNormalization", write: BatchNorm.write,
            read: { reading in
                guard try reading.integer("training_mode") ?? 0 == 0 else {
                    throw ModelError("training_mode=1 is not supported", advice: "export the model for inference")
                }
                guard try reading.integer("spatial") ?? 1 == 1 else {
                    throw ModelError("spatial=0, statistics for each element, is not supported")
                }
                let epsilon = try reading.number("epsilon") ?? 1e-5
                reading.define(
                    "BatchNorm", ["axis": .integer(1), "eps": .text("\(epsilon)"), "fix_gamma": .text("False")])
            }))

    private static func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        guard node.node.outputs.dropFirst().allSatisfy({ node.graph[$0].uses.isEmpty }) else {
            throw ModelError("ONNX's BatchNormalization does not give mean and variance")
        }
        let shape = try node.shape(0), axis = try axis(node.attributes, in: shape)
        guard axis == 1 else {
            // ONNX knows axis 1 only: the same as a product and a sum.
            let names = try ["_scale", "_shift"].enumerated().map { index, suffix in
                let folded = try statistics(node).scaleAndShift()
                let values = Tensor(index == 0 ? folded.scale : folded.shift)
                let extents = [values.elementCount] + [Int](repeating: 1, count: shape.rank - axis - 1)
                return writing.initializer(node.node.name + suffix, values.reshaped(Shape(extents)))
            }
            let product = node.node.name + "_product"
            writing.emit(
                "Mul", node, inputs: [try writing.name(node, 0), names[0]], suffix: "_mul", outputs: [product])
            return writing.emit("Add", node, inputs: [product, names[1]])
        }
        var names = try (0..<5).map { try writing.name(node, $0) }
        if try node.attributes.boolean("fix_gamma") ?? true {
            let gamma = try node.parameter(1)
            names[1] = writing.initializer(
                names[1] + "_fixed", Tensor([Float](repeating: 1, count: gamma.elementCount)))
        }
        let epsilon = Float(try node.attributes.number("eps") ?? 1e-3)
        writing.emit(
            "BatchNormalization", node, inputs: names, attributes: [ONNXAttribute("epsilon", .float(epsilon))])
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 5...5 }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        Dictionary((1...4).map { ($0, [nil]) }) { first, _ in first }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try node.type(0).shape
        if try node.type(0).isQuantized {
            guard let range = try CalibratedRange.read(node.attributes) else {
                return [ValueType(.int8, shape, quantization: .foundAtRunTime)]
            }
            return [ValueType(.int8, shape, quantization: .known(QuantizationGrid(range: range, of: .int8)))]
        }
        let channels = try shape.map { Shape([$0[try Self.axis(node.attributes, in: $0)]]) }
        return [ValueType(.float32, shape), ValueType(.float32, channels), ValueType(.float32, channels)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        guard try !node.type(0).isQuantized else { return try QuantizedBatchNorm(node: node).lower(&lowering) }
        let (scale, shift) = try scaleAndShift(node, &lowering)
        let source = try lowering.floatValue(node, 0)
        let shape = try node.shape(0), axis = try Self.axis(node.attributes, in: shape)
        // The kernel wants the channels on axis 1: what is before them becomes one axis.
        let folded = axis == 1 ? shape : Shape([shape.dimensions[..<axis].reduce(1, *)] + shape.dimensions[axis...])
        let operands = [try lowering.reshape(source, to: folded, node), scale, shift]
        let result = try lowering.add(ScaleShiftKernel(), operands, node)
        lowering.define(node, LoweredValue(try lowering.reshape(result, to: shape, node)))
        guard node.node.outputs.count == 3 else { return }
        let statistics = try Self.statistics(node)
        for (index, values) in [statistics.mean, statistics.inverseDeviations].enumerated() {
            lowering.define(node, output: index + 1, LoweredValue(lowering.addConstant(Tensor(values))))
        }
    }

    /// Computed here and now if all four parameters are stored, and by the program otherwise.
    private func scaleAndShift(_ node: NodeReader, _ lowering: inout Lowering) throws -> (BufferID, BufferID) {
        if try (1...4).allSatisfy({ try node.input($0).tensor != nil }) {
            let (scale, shift) = try Self.statistics(node).scaleAndShift()
            return (lowering.addConstant(Tensor(scale)), lowering.addConstant(Tensor(shift)))
        }
        let epsilon = Float(try node.attributes.number("eps") ?? 1e-3)
        let parameters = try (1...4).map { try lowering.floatValue(node, $0) }
        let shifted = try lowering.add(
            ActivationKernel(.init(.linear, alpha: 1, beta: epsilon)), [parameters[3]], node)
        let deviation = try lowering.add(ActivationKernel(.init(.sqrt)), [shifted], node)
        let gamma =
            try node.attributes.boolean("fix_gamma") ?? true
            ? lowering.addConstant(Tensor([1 as Float])) : parameters[0]
        let scale = try lowering.add(BinaryKernel(.divide), [gamma, deviation], node)
        let product = try lowering.add(BinaryKernel(.multiply), [parameters[2], scale], node)
        return (scale, try lowering.add(BinaryKernel(.subtract), [parameters[1], product], node))
    }

    private static func axis(_ attributes: Attributes, in shape: Shape) throws -> Int {
        let axis = try attributes.integer("axis") ?? 1
        guard let index = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
        return index
    }

    private static func statistics(_ node: NodeReader) throws -> BatchNormStatistics {
        try BatchNormStatistics(node.attributes, parameters: (1...4).map { try node.parameter($0) })
    }

    let examples = [
        OperatorExample(
            "gamma counts as 1",
            """
            %data: float32[2, 3, 4, 4] = input
            %gamma: float32[3] = parameter(5, 5, 5)
            %beta: float32[3] = parameter(...)
            %mean: float32[3] = parameter(...)
            %var: float32[3] = parameter(0.25, 1, 4)
            %bn_output = BatchNorm(%data, %gamma, %beta, %mean, %var)
            return %bn_output
            """),
        OperatorExample(
            "gamma is used",
            """
            %data: float32[2, 3, 4, 4] = input
            %gamma: float32[3] = parameter(...)
            %beta: float32[3] = parameter(...)
            %mean: float32[3] = parameter(...)
            %var: float32[3] = parameter(0.25, 1, 4)
            %bn_output = BatchNorm(%data, %gamma, %beta, %mean, %var) {eps="1e-05", fix_gamma="False"}
            return %bn_output
            """),
        OperatorExample(
            "along the last axis",
            """
            %data: float32[2, 4, 3] = input
            %gamma: float32[3] = parameter(...)
            %beta: float32[3] = parameter(...)
            %mean: float32[3] = parameter(...)
            %var: float32[3] = parameter(0.25, 1, 4)
            %bn_output = BatchNorm(%data, %gamma, %beta, %mean, %var) {axis="-1", fix_gamma="False", use_global_stats="True"}
            return %bn_output
            """),
        OperatorExample(
            "of rows",
            """
            %data: float32[4, 3] = input
            %gamma: float32[3] = parameter(...)
            %beta: float32[3] = parameter(...)
            %mean: float32[3] = parameter(...)
            %var: float32[3] = parameter(0.25, 1, 4)
            %bn_output = BatchNorm(%data, %gamma, %beta, %mean, %var) {fix_gamma="False"}
            return %bn_output
            """),
    ]
}

/// The stored statistics of a BatchNorm, one float32 for each channel.
public struct BatchNormStatistics {
    /// One for each channel.
    public private(set) var gamma: [Float], beta: [Float], mean: [Float], variance: [Float]
    var epsilon: Double

    /// - Parameters:
    ///   - attributes: those of the BatchNorm: `eps`, `fix_gamma`.
    ///   - parameters: gamma, beta, mean, variance.
    public init(_ attributes: Attributes, parameters: [Tensor]) throws {
        let vectors = parameters.map { $0.floats() }
        guard vectors.count == 4, vectors.allSatisfy({ $0.count == vectors[0].count }) else {
            throw ModelError(
                "gamma, beta, mean and variance differ in length: \(parameters.map(\.shape).commaSeparated)")
        }
        let fixGamma = try attributes.boolean("fix_gamma") ?? true
        gamma = fixGamma ? [Float](repeating: 1, count: vectors[0].count) : vectors[0]
        (beta, mean, variance) = (vectors[1], vectors[2], vectors[3])
        epsilon = try attributes.number("eps") ?? 1e-3
    }

    /// 1 / √(variance + eps), rounded once.
    var inverseDeviations: [Float] { variance.map { Float(1 / (Double($0) + epsilon).squareRoot()) } }

    /// gamma / √(variance + eps), in float64 as in MXNet, whose eps is a double; then rounded once.
    var alpha: [Float] { zip(gamma, variance).map { Float(Double($0) / (Double($1) + epsilon).squareRoot()) } }

    func scaleAndShift() -> (scale: [Float], shift: [Float]) {
        let scale = alpha
        return (scale, scale.indices.map { beta[$0] - mean[$0] * scale[$0] })
    }
}
