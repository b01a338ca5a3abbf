import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's LayerNormalization and RMSNormalization: the axes from `axis` to the last are normalized together. Inputs: data,
/// scale, [bias], which broadcast to the data. Outputs: the result; of a LayerNormalization, if asked for, the mean and
/// 1 / √(variance + epsilon) too. A LayerNormalization along the last axis only is MXNet's LayerNorm.
struct TrailingNormalization: OperatorDefinition {
    enum Kind { case layer, rootMeanSquare }

    let kind: Kind

    init(_ kind: Kind) { self.kind = kind }

    var name: String { kind == .layer ? "LayerNormalization" : "RMSNormalization" }
    var summary: String { "\(kind == .layer ? "layer" : "root mean square") normalization along the last axes" }
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "its statistics are those of the data, which codes blur")

    var onnx: ONNXForm {
        let kind = kind
        return .mapped(
            ONNXMapping(
                name, write: { node, writing in try Self.write(kind, node, &writing) },
                read: { reading in try Self.read(kind, &reading) }))
    }

    private static func write(_ kind: Kind, _ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let first = kind == .layer ? 17 : 23
        let names = try node.node.inputs.indices.map { try writing.name(node, $0) }
        let (axes, epsilon) = try parameters(node, node.shape(0).rank)
        guard writing.opset < first else {
            return writing.emit(
                kind == .layer ? "LayerNormalization" : "RMSNormalization", node, inputs: names,
                attributes: [
                    ONNXAttribute("axis", .int(axes.lowerBound)), ONNXAttribute("epsilon", .float(epsilon)),
                ], outputs: node.node.outputs.indices.map { writing.output(node, $0) })
        }
        guard node.node.outputs.count == 1 else {
            throw ModelError("its mean and deviation need opset \(first)", advice: "write with --opset \(first)")
        }
        var parts = ONNXParts(node)
        let normalized: String
        if kind == .layer {
            normalized = try parts.standardized(names[0], axes: Array(axes), epsilon: epsilon, &writing)
        } else {
            let square = parts.emit("Mul", [names[0], names[0]], &writing)
            let mean = parts.reduce("ReduceMean", square, axes: Array(axes), &writing)
            normalized = parts.divided(names[0], by: mean, epsilon: epsilon, &writing)
        }
        guard names.count > 2 else { return writing.emit("Mul", node, inputs: [normalized, names[1]]) }
        writing.emit("Add", node, inputs: [parts.emit("Mul", [normalized, names[1]], &writing), names[2]])
    }

    private static func read(_ kind: Kind, _ reading: inout ONNXReading) throws {
        let givesStatistics = reading.node.outputs.count > 1
        let axis = try reading.integer("axis") ?? -1, epsilon = try reading.number("epsilon") ?? 1e-5
        let attributes: Attributes = ["axis": .integer(axis), "eps": .text("\(epsilon)")]
        guard kind == .layer, !givesStatistics, axis == -1 || reading.shape(0).map({ axis == $0.rank - 1 }) ?? false,
            let scale = reading.storedShape(1), scale.rank == 1
        else {
            return reading.define(
                kind == .layer ? "LayerNormalization" : "RMSNormalization", attributes,
                inputs: reading.inputs.filter { $0 != nil })
        }
        var inputs = Array(reading.inputs.prefix(2))
        inputs.append(
            reading.hasInput(2)
                ? reading.inputs[2]
                : reading.addParameter("_beta", Tensor([Float](repeating: 0, count: scale.elementCount))))
        reading.define("LayerNorm", ["axis": .integer(-1), "eps": .text("\(epsilon)")], inputs: inputs)
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...(kind == .layer ? 3 : 2) }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try node.type(0).shape
        let statistics = try shape.map { shape in
            let axes = try Self.parameters(node, shape.rank).axes
            return Shape(shape.dimensions.indices.map { axes.contains($0) ? 1 : shape[$0] })
        }
        return [ValueType(.float32, shape)]
            + node.node.outputs.dropFirst().map { _ in ValueType(.float32, statistics) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (axes, epsilon) = try Self.parameters(node, node.shape(0).rank)
        let count = node.node.outputs.count
        guard count <= (kind == .layer ? 3 : 1) else { throw ModelError("it has \(count) outputs") }
        let kernel = NormalizationKernel(
            kind == .layer ? .standard : .rootMeanSquare, axes: axes, epsilon: epsilon, givesStatistics: count > 1)
        let results = try lowering.addAll(kernel, [lowering.floatValue(node, 0)], node)
        var result = try lowering.add(BinaryKernel(.multiply), [results[0], lowering.floatValue(node, 1)], node)
        if node.hasInput(2) {
            result = try lowering.add(BinaryKernel(.add), [result, lowering.floatValue(node, 2)], node)
        }
        lowering.define(node, LoweredValue(result))
        if count > 1 { lowering.define(node, output: 1, LoweredValue(results[1])) }
        if count > 2 {
            let inverse = try lowering.add(UnaryKernel(.reciprocal), [results[2]], node)
            lowering.define(node, output: 2, LoweredValue(inverse))
        }
    }

    static func parameters(_ node: NodeReader, _ rank: Int) throws -> (axes: Range<Int>, epsilon: Float) {
        let axis = try node.attributes.integer("axis") ?? -1
        let first = axis < 0 ? axis + rank : axis
        guard 0..<max(rank, 0) ~= first else { throw ModelError("axis=\(axis) does not fit data with \(rank) axes") }
        return (first..<rank, Float(try node.attributes.number("eps") ?? 1e-5))
    }

    var examples: [OperatorExample] {
        let bias = kind == .layer ? ", %shift" : ""
        let declaration = kind == .layer ? "\n%shift: float32[4, 5] = parameter(...)" : ""
        let alongTwo = OperatorExample(
            "along the last two axes",
            """
            %data: float32[2, 3, 4, 5] = input
            %scale: float32[4, 5] = parameter(...)\(declaration)
            %norm_output = \(name)(%data, %scale\(bias)) {axis=2, eps="0.001"}
            return %norm_output
            """)
        guard kind == .layer else { return [alongTwo] }
        return [
            alongTwo,
            OperatorExample(
                "with mean and deviation",
                """
                %data: float32[2, 3, 4] = input
                %scale: float32[3, 4] = parameter(...)
                %norm_output0, %norm_output1, %norm_output2 = LayerNormalization(%data, %scale) {axis=1, eps="0.001"} name=norm
                return %norm_output0, %norm_output1, %norm_output2
                """, onnxSince: 17),
        ]
    }
}
