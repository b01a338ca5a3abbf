import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = x·Wᵀ + b (src/operator/nn/fully_connected.cc). Inputs: data N×…, weight num_hidden×K, bias [num_hidden] unless no_bias.
struct FullyConnected: OperatorDefinition {
    let name = "FullyConnected"
    let summary = "fully connected layer"
    let mxnet: MXNetForm? = MXNetForm(
        "FullyConnected", parameterInputs: { node in Array(node.inputs.indices.dropFirst()) })
    let quantization = QuantizationRule.float(because: "fuse it first; MXNet's quantizer wants the fused form")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Gemm",
            write: { node, writing in
                let attributes = try FullyConnectedAttributes(node.attributes)
                var names = try (0..<(attributes.hasBias ? 3 : 2)).map { try writing.name(node, $0) }
                if try node.shape(0).rank > 2 {
                    let flat = names[0] + "_flat"
                    writing.emit(
                        "Flatten", node, inputs: [names[0]], attributes: [ONNXAttribute("axis", .int(1))],
                        suffix: "_flatten", outputs: [flat])
                    names[0] = flat
                }
                writing.emit("Gemm", node, inputs: names, attributes: [ONNXAttribute("transB", .int(1))])
            },
            read: { reading in
                guard let weights = reading.storedShape(1), weights.rank == 2 else {
                    throw ModelError("its weights have to be stored in the model")
                }
                guard try reading.number("alpha") ?? 1 == 1, try reading.number("beta") ?? 1 == 1,
                    try reading.integer("transA") ?? 0 == 0
                else { throw ModelError("alpha, beta and transA have to be 1, 1 and 0") }
                var inputs = reading.inputs
                if try reading.integer("transB") ?? 0 == 0 {
                    guard let stored = reading.constant(1) else {
                        throw ModelError("quantized weights have to be stored transposed (transB=1)")
                    }
                    inputs[1] = reading.addParameter("_weight", stored.asFloat32().transposed())
                }
                let units = try reading.integer("transB") ?? 0 == 0 ? weights[1] : weights[0]
                reading.define(
                    "FullyConnected",
                    [
                        "flatten": .text("True"), "no_bias": .text(reading.hasInput(2) ? "False" : "True"),
                        "num_hidden": .integer(units),
                    ], inputs: inputs)
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try FullyConnectedAttributes(node.attributes).hasBias ? 3...3 : 2...2
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        try FullyConnectedAttributes(node.attributes).parameterShapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try FullyConnectedAttributes(node.attributes)
        return [ValueType(.float32, try node.type(0).shape.map { try attributes.resultShape(of: $0) })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try FullyConnectedAttributes(node.attributes)
        let kernel = InnerProductKernel(stage: OutputStage(hasBias: attributes.hasBias))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }

    let examples = [
        OperatorExample(
            "with bias",
            """
            %data: float32[3, 7] = input
            %weight: float32[5, 7] = parameter(...)
            %bias: float32[5] = parameter(...)
            %fc_output = FullyConnected(%data, %weight, %bias) {num_hidden="5"}
            return %fc_output
            """),
        OperatorExample(
            "flattens its data",
            """
            %data: float32[2, 3, 2, 2] = input
            %weight: float32[4, 12] = parameter(...)
            %fc_output = FullyConnected(%data, %weight) {no_bias="True", num_hidden="4"}
            return %fc_output
            """),
    ]
}

/// The attributes of FullyConnected (src/operator/nn/fully_connected-inl.h).
struct FullyConnectedAttributes {
    var units: Int
    var hasBias: Bool

    init(_ attributes: Attributes) throws {
        guard let units = try attributes.integer("num_hidden"), 1...(1 << 30) ~= units else {
            throw ModelError("num_hidden is missing or not positive")
        }
        self.units = units
        hasBias = try !(attributes.boolean("no_bias") ?? false)
        guard try attributes.boolean("flatten") ?? true else {
            throw ModelError("flatten=False is not supported yet")
        }
    }

    /// Of the weights and, if there is one, of the bias.
    var parameterShapes: [Int: [Int?]] {
        [1: [units, nil]].merging(hasBias ? [2: [units]] : [:]) { first, _ in first }
    }

    func resultShape(of source: Shape) throws -> Shape {
        guard source.rank >= 2 else { throw ModelError("data of shape \(source) has no axis to multiply along") }
        return [source[0], units]
    }
}
