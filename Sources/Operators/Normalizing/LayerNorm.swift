import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = (x − mean) / √(variance + eps) · gamma + beta, with the statistics along one axis (src/operator/nn/layer_norm.cc).
/// Inputs: data, gamma, beta, both as long as the axis. With output_mean_var, mean and √(variance + eps) are outputs too.
struct LayerNorm: OperatorDefinition {
    let name = "LayerNorm"
    let summary = "layer normalization along one axis"
    let mxnet: MXNetForm? = MXNetForm(
        "LayerNorm", "_npx_layer_norm",
        hiddenOutputs: { node in (try? node.attributes.boolean("output_mean_var")) == true ? 0 : 2 },
        parameterInputs: { _ in [1, 2] })
    let quantization = QuantizationRule.float(because: "its statistics are those of the data, which codes blur")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                guard node.node.outputs.dropFirst().allSatisfy({ node.graph[$0].uses.isEmpty }) else {
                    throw ModelError("ONNX's normalization does not give MXNet's deviation")
                }
                let shape = try node.shape(0), axis = try LayerNorm.axis(node, shape)
                let epsilon = Float(try node.attributes.number("eps") ?? 1e-5)
                let names = try (0..<3).map { try writing.name(node, $0) }
                if axis == shape.rank - 1, writing.opset >= 17 {
                    return writing.emit(
                        "LayerNormalization", node, inputs: names,
                        attributes: [ONNXAttribute("axis", .int(-1)), ONNXAttribute("epsilon", .float(epsilon))])
                }
                var parts = ONNXParts(node)
                let normalized = try parts.standardized(names[0], axes: [axis], epsilon: epsilon, &writing)
                let extents = [shape[axis]] + [Int](repeating: 1, count: shape.rank - axis - 1)
                let scale = try parts.vector(1, as: Shape(extents), &writing)
                let shift = try parts.vector(2, as: Shape(extents), &writing)
                let scaled = parts.emit("Mul", [normalized, scale], &writing)
                writing.emit("Add", node, inputs: [scaled, shift])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func parameterShapes(_ node: any NodeDescription) -> [Int: [Int?]] { [1: [nil], 2: [nil]] }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try node.type(0).shape
        let statistics = try shape.map { $0.replacing(axis: try Self.axis(node, $0), with: 1) }
        return [ValueType(.float32, shape), ValueType(.float32, statistics), ValueType(.float32, statistics)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.shape(0), axis = try Self.axis(node, shape)
        let kernel = NormalizationKernel(
            .standard, axes: axis..<axis + 1, epsilon: Float(try node.attributes.number("eps") ?? 1e-5),
            givesStatistics: node.node.outputs.count == 3)
        let results = try lowering.addAll(kernel, [lowering.floatValue(node, 0)], node)
        let extents = Shape([shape[axis]] + [Int](repeating: 1, count: shape.rank - axis - 1))
        let vectors = try (1...2).map { try lowering.reshape(lowering.floatValue(node, $0), to: extents, node) }
        let scaled = try lowering.add(BinaryKernel(.multiply), [results[0], vectors[0]], node)
        lowering.define(node, LoweredValue(try lowering.add(BinaryKernel(.add), [scaled, vectors[1]], node)))
        for index in results.indices.dropFirst() {
            lowering.define(node, output: index, LoweredValue(results[index]))
        }
    }

    private static func axis(_ node: NodeReader, _ shape: Shape) throws -> Int {
        let axis = try node.attributes.integer("axis") ?? -1
        guard let index = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
        return index
    }

    let examples = [
        OperatorExample(
            "along the last axis",
            """
            %data: float32[2, 3, 8] = input
            %gamma: float32[8] = parameter(...)
            %beta: float32[8] = parameter(...)
            %ln_output = LayerNorm(%data, %gamma, %beta)
            return %ln_output
            """),
        OperatorExample(
            "along the channels",
            """
            %data: float32[2, 6, 3, 2] = input
            %gamma: float32[6] = parameter(...)
            %beta: float32[6] = parameter(...)
            %ln_output = LayerNorm(%data, %gamma, %beta) {axis="1", eps="0.001"}
            return %ln_output
            """),
    ]
}
