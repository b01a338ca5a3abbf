import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = (x − mean) / √(variance + eps) · gamma + beta, with the statistics of each group of channels of each image
/// (src/operator/nn/group_norm.cc). Inputs: data N×C×…, gamma, beta.
///
/// MXNet and ONNX's opset 18 have one gamma for each group; ONNX has one for each channel since opset 21. The graph
/// has either.
struct GroupNorm: OperatorDefinition {
    let name = "GroupNorm"
    let summary = "group normalization"
    let mxnet: MXNetForm? = MXNetForm(
        "GroupNorm",
        hiddenOutputs: { node in (try? node.attributes.boolean("output_mean_var")) == true ? 0 : 2 },
        parameterInputs: { _ in [1, 2] },
        attributes: { node in
            guard let gamma = try node.type(1).shape, gamma != [try groups(node)] else { return node.attributes }
            throw ModelError("MXNet has one gamma for each group, not \(gamma)", at: node.place)
        })
    let quantization = QuantizationRule.float(because: "its statistics are those of the data, which codes blur")

    let onnx = ONNXForm.mapped(ONNXMapping("GroupNormalization", write: GroupNorm.write, read: GroupNorm.read))

    private static func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let shape = try node.shape(0), groups = try groups(node), isByGroup = try node.shape(1) == [groups]
        guard node.node.outputs.count == 1, shape.rank >= 2 else {
            throw ModelError("ONNX's GroupNormalization does not give mean and variance")
        }
        var names = try (0..<3).map { try writing.name(node, $0) }
        let epsilon = ONNXAttribute("epsilon", .float(try Self.epsilon(node)))
        guard writing.opset >= 18 else {
            guard isByGroup else {
                throw ModelError(
                    "a gamma for each channel needs opset 21", at: node.place, advice: "write with --opset 21")
            }
            // A group is an instance with all of its channels in one row.
            var parts = ONNXParts(node)
            let rows = parts.reshape(names[0], [0, groups, -1], &writing)
            let normalized = parts.emit("InstanceNormalization", [rows] + names[1...], [epsilon], &writing)
            let extents = parts.constant(Tensor(shape.dimensions.map { Int64($0) }), &writing)
            return writing.emit("Reshape", node, inputs: [normalized, extents])
        }
        if isByGroup, writing.opset >= 21, shape[1] != groups {
            for index in 1...2 {
                let values = try node.parameter(index).floats()
                let repeated = values.flatMap { [Float](repeating: $0, count: shape[1] / max(groups, 1)) }
                names[index] = writing.initializer(
                    node.node.name + (index == 1 ? "_gamma" : "_beta") + "_by_channel", Tensor(repeated))
            }
        } else if !isByGroup, writing.opset < 21 {
            throw ModelError("a gamma for each channel needs opset 21", at: node.place, advice: "write with --opset 21")
        }
        writing.emit(
            "GroupNormalization", node, inputs: names, attributes: [epsilon, ONNXAttribute("num_groups", .int(groups))])
    }

    private static func read(_ reading: inout ONNXReading) throws {
        guard let groups = try reading.integer("num_groups"), groups > 0 else {
            throw ModelError("num_groups is missing")
        }
        var inputs = Array(reading.inputs.prefix(3))
        // One gamma for each channel that is the same in all of a group is what MXNet has.
        let vectors = (1...2).compactMap { reading.constant($0)?.floats() }
        if vectors.count == 2, vectors[0].count > groups, vectors[0].count % groups == 0 {
            let size = vectors[0].count / groups
            let isByGroup = vectors.allSatisfy { vector in
                vector.indices.allSatisfy { vector[$0] == vector[$0 / size * size] }
            }
            if isByGroup {
                for (index, suffix) in ["_gamma", "_beta"].enumerated() {
                    let kept = stride(from: 0, to: vectors[index].count, by: size).map { vectors[index][$0] }
                    inputs[index + 1] = reading.addParameter(suffix, Tensor(kept))
                }
            }
        }
        reading.define(
            "GroupNorm",
            ["eps": .text("\(try reading.number("epsilon") ?? 1e-5)"), "num_groups": .integer(groups)], inputs: inputs)
    }

    private static func groups(_ node: NodeReader) throws -> Int {
        let groups = try node.attributes.integer("num_groups") ?? 1
        guard 1...(1 << 30) ~= groups else { throw ModelError("num_groups=\(groups) is out of range") }
        return groups
    }

    private static func epsilon(_ node: NodeReader) throws -> Float { Float(try node.attributes.number("eps") ?? 1e-5) }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func parameterShapes(_ node: any NodeDescription) -> [Int: [Int?]] { [1: [nil], 2: [nil]] }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try node.type(0).shape, groups = try Self.groups(node)
        let statistics = shape.flatMap { $0.dimensions.first }.map { Shape([$0, groups]) }
        return [ValueType(.float32, shape), ValueType(.float32, statistics), ValueType(.float32, statistics)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.shape(0), groups = try Self.groups(node)
        guard shape.rank >= 2, shape[1] % groups == 0 else {
            throw ModelError("the channels of \(shape) cannot be split into num_groups=\(groups)")
        }
        guard node.node.outputs.count == 1 else {
            throw ModelError("its mean and deviation are not supported as outputs")
        }
        let inner = shape.dimensions[2...].reduce(1, *)
        let rows = Shape([shape[0], groups, shape[1] / groups * inner])
        var result = try lowering.reshape(lowering.floatValue(node, 0), to: rows, node)
        let kernel = NormalizationKernel(.standard, axes: 2..<3, epsilon: try Self.epsilon(node))
        result = try lowering.add(kernel, [result], node)
        let vectors = try (1...2).map { try lowering.floatValue(node, $0) }
        if try node.shape(1) != [groups] { result = try lowering.reshape(result, to: shape, node) }
        result = try lowering.add(ScaleShiftKernel(), [result] + vectors, node)
        lowering.define(node, LoweredValue(try lowering.reshape(result, to: shape, node)))
    }

    let examples = [
        OperatorExample(
            "one gamma for each group",
            """
            %data: float32[2, 6, 3, 4] = input
            %gamma: float32[2] = parameter(...)
            %beta: float32[2] = parameter(...)
            %norm_output = GroupNorm(%data, %gamma, %beta) {num_groups="2"}
            return %norm_output
            """)
    ]
}
