import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = (x − mean) / √(variance + eps) · gamma + beta, with the statistics of each channel of each image
/// (src/operator/instance_norm.cc). Inputs: data N×C×…, gamma, beta [C].
struct InstanceNorm: OperatorDefinition {
    let name = "InstanceNorm"
    let summary = "instance normalization"
    let mxnet: MXNetForm? = MXNetForm("InstanceNorm", hiddenOutputs: { _ in 2 }, parameterInputs: { _ in [1, 2] })
    let quantization = QuantizationRule.float(because: "its statistics are those of the data, which codes blur")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "InstanceNormalization",
            write: { node, writing in
                writing.emit(
                    "InstanceNormalization", node, inputs: try (0..<3).map { try writing.name(node, $0) },
                    attributes: [ONNXAttribute("epsilon", .float(Float(try node.attributes.number("eps") ?? 1e-3)))])
            },
            read: { reading in
                reading.define("InstanceNorm", ["eps": .text("\(try reading.number("epsilon") ?? 1e-5)")])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func parameterShapes(_ node: any NodeDescription) -> [Int: [Int?]] { [1: [nil], 2: [nil]] }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [ValueType(.float32, try node.type(0).shape)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.shape(0)
        guard shape.rank >= 3 else { throw ModelError("data of shape \(shape) has no spatial axes") }
        let kernel = NormalizationKernel(
            .standard, axes: 2..<shape.rank, epsilon: Float(try node.attributes.number("eps") ?? 1e-3))
        let normalized = try lowering.add(kernel, [lowering.floatValue(node, 0)], node)
        let vectors = try (1...2).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(ScaleShiftKernel(), [normalized] + vectors, node)))
    }

    let examples = [
        OperatorExample(
            "images",
            """
            %data: float32[2, 3, 4, 5] = input
            %gamma: float32[3] = parameter(...)
            %beta: float32[3] = parameter(...)
            %norm_output = InstanceNorm(%data, %gamma, %beta)
            return %norm_output
            """),
        OperatorExample(
            "sequences",
            """
            %data: float32[2, 3, 7] = input
            %gamma: float32[3] = parameter(...)
            %beta: float32[3] = parameter(...)
            %norm_output = InstanceNorm(%data, %gamma, %beta) {eps="1e-05"}
            return %norm_output
            """),
    ]
}
