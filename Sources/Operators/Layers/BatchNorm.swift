import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = (x − mean) / √(variance + eps) · gamma + beta with stored statistics (src/operator/nn/batch_norm.cc).
/// Inputs: data N×C×…, gamma, beta, moving_mean, moving_var, all [C]. With fix_gamma, gamma counts as 1.
struct BatchNorm: OperatorDefinition {
    let name = "BatchNorm"
    let summary = "batch normalization with stored statistics, along axis 1"
    let mxnet: MXNetForm? = MXNetForm(
        "BatchNorm", quantized: "_contrib_quantized_batch_norm", hiddenOutputs: { _ in 2 },
        auxiliaryInputs: { _ in [3, 4] },
        parameterInputs: { _ in [1, 2, 3, 4] })
    let quantization = QuantizationRule.quantized(QuantizedTwin(need: .support, result: .calibratedCodes))

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "BatchNormalization",
            write: { node, writing in
                var names = try (0..<5).map { try writing.name(node, $0) }
                if try node.attributes.boolean("fix_gamma") ?? true {
                    let gamma = try node.parameter(1)
                    names[1] = writing.initializer(
                        names[1] + "_fixed", Tensor([Float](repeating: 1, count: gamma.elementCount)))
                }
                let epsilon = Float(try node.attributes.number("eps") ?? 1e-3)
                writing.emit(
                    "BatchNormalization", node, inputs: names, attributes: [ONNXAttribute("epsilon", .float(epsilon))])
            },
            read: { reading in
                guard try reading.integer("training_mode") ?? 0 == 0 else {
                    throw ModelError("training_mode=1 is not supported", advice: "export the model for inference")
                }
                let epsilon = try reading.number("epsilon") ?? 1e-5
                reading.define(
                    "BatchNorm", ["axis": .integer(1), "eps": .text("\(epsilon)"), "fix_gamma": .text("False")])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 5...5 }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        try Self.checkAxis(node.attributes, rank: nil)
        return Dictionary((1...4).map { ($0, [nil]) }) { first, _ in first }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        try Self.checkAxis(node.attributes, rank: node.type(0).shape?.rank)
        let shape = try node.type(0).shape
        guard try node.type(0).isQuantized else { return [ValueType(.float32, shape)] }
        guard let range = try CalibratedRange.read(node.attributes) else {
            return [ValueType(.int8, shape, quantization: .foundAtRunTime)]
        }
        return [ValueType(.int8, shape, quantization: .known(QuantizationGrid(range: range, of: .int8)))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        guard try !node.type(0).isQuantized else { return try QuantizedBatchNorm(node: node).lower(&lowering) }
        let statistics = try BatchNormStatistics(node.attributes, parameters: (1...4).map { try node.parameter($0) })
        let (scale, shift) = statistics.scaleAndShift()
        let operands = [
            try lowering.floatValue(node, 0), lowering.addConstant(Tensor(scale)), lowering.addConstant(Tensor(shift)),
        ]
        lowering.define(node, LoweredValue(try lowering.add(ScaleShiftKernel(), operands, node)))
    }

    static func checkAxis(_ attributes: Attributes, rank: Int?) throws {
        let axis = try attributes.integer("axis") ?? 1
        guard axis == 1 || axis < 0 && rank.map({ axis == 1 - $0 }) ?? true else {
            throw ModelError("axis=\(axis) is not supported", advice: "only the channel axis, 1, is")
        }
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
    ]
}

/// The stored statistics of a BatchNorm, one float32 for each channel.
public struct BatchNormStatistics {
    public private(set) var gamma: [Float], beta: [Float], mean: [Float], variance: [Float]
    var epsilon: Double

    /// - Parameter parameters: gamma, beta, mean, variance.
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
