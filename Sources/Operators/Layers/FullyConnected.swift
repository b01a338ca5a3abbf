import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = x·Wᵀ + b (src/operator/nn/fully_connected.cc). Inputs: data, weight num_hidden×K, bias [num_hidden] unless no_bias.
///
/// The data are taken for rows of K elements: N×… → N×num_hidden, or with flatten=False …×K → …×num_hidden.
struct FullyConnected: OperatorDefinition {
    let name = "FullyConnected"
    let summary = "fully connected layer, on flattened data or along the last axis"
    let mxnet: MXNetForm? = MXNetForm(
        "FullyConnected", "_npx_fully_connected", quantized: "_contrib_quantized_fully_connected",
        parameterInputs: { node in Array(node.inputs.indices.dropFirst()) },
        rangedInputs: { node in Array(node.inputs.indices) })
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(need: .must, result: .sums, codeInputs: { node, _ in Array(node.inputs.indices) }))

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Gemm",
            write: { node, writing in
                let attributes = try FullyConnectedAttributes(node.attributes)
                var names = try (0..<(attributes.hasBias ? 3 : 2)).map { try writing.name(node, $0) }
                let rank = try node.shape(0).rank
                if rank != 2, !attributes.flattens {
                    return try writeMatMul(node, names, &writing)
                }
                if rank > 2 {
                    let flat = node.node.name + "_flat"
                    writing.emit(
                        "Flatten", node, inputs: [names[0]], attributes: [ONNXAttribute("axis", .int(1))],
                        suffix: "_flatten", outputs: [flat])
                    names[0] = flat
                }
                writing.emit("Gemm", node, inputs: names, attributes: [ONNXAttribute("transB", .int(1))])
            },
            read: { reading in try GemmReading.read(&reading) }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        try FullyConnectedAttributes(node.attributes).hasBias ? 3...3 : 2...2
    }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        try FullyConnectedAttributes(node.attributes).parameterShapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let attributes = try FullyConnectedAttributes(node.attributes)
        let shape = try node.type(0).shape.map { try attributes.resultShape(of: $0) }
        guard try node.type(0).isQuantized else { return [ValueType(.float32, shape)] }
        return [ValueType(.int32, shape, quantization: .foundAtRunTime)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let attributes = try FullyConnectedAttributes(node.attributes)
        guard try !node.type(0).isQuantized else {
            let layer = UnfusedLayerLowering(node: node, hasBias: attributes.hasBias) { stage, operands, lowering in
                try attributes.multiply(InnerProductKernel(stage: stage), operands, node, &lowering)
            }
            return try layer.lower(&lowering)
        }
        let kernel = InnerProductKernel(stage: OutputStage(hasBias: attributes.hasBias))
        let operands = try (0..<(attributes.hasBias ? 3 : 2)).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try attributes.multiply(kernel, operands, node, &lowering)))
    }

    /// ONNX's Gemm knows two axes only; MatMul wants the weights as K×num_hidden.
    private static func writeMatMul(_ node: NodeReader, _ names: [String], _ writing: inout ONNXWriting) throws {
        let transposed = names[1] + "_transposed"
        if let weights = try node.input(1).tensor, weights.shape.rank == 2 {
            writing.initializer(transposed, weights.asFloat32().transposed())
        } else {
            writing.emit(
                "Transpose", node, inputs: [names[1]], attributes: [ONNXAttribute("perm", .ints([1, 0]))],
                suffix: "_transpose", outputs: [transposed])
        }
        guard names.count == 3 else { return writing.emit("MatMul", node, inputs: [names[0], transposed]) }
        let product = node.node.name + "_product"
        writing.emit("MatMul", node, inputs: [names[0], transposed], suffix: "_matmul", outputs: [product])
        writing.emit("Add", node, inputs: [product, names[2]])
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
    /// Whether all axes but the first are multiplied with the weights, or only the last.
    var flattens: Bool

    init(_ attributes: Attributes) throws {
        guard let units = try attributes.integer("num_hidden"), 1...(1 << 30) ~= units else {
            throw ModelError("num_hidden is missing or not positive")
        }
        self.units = units
        hasBias = try !(attributes.boolean("no_bias") ?? false)
        flattens = try attributes.boolean("flatten") ?? true
    }

    /// Of the weights and, if there is one, of the bias.
    var parameterShapes: [Int: [Int?]] {
        [1: [units, nil]].merging(hasBias ? [2: [units]] : [:]) { first, _ in first }
    }

    func resultShape(of source: Shape) throws -> Shape {
        guard source.rank >= (flattens ? 2 : 1) else {
            throw ModelError("data of shape \(source) has no axis to multiply along")
        }
        return try flattens ? [source[0], units] : Shape(checking: source.dimensions.dropLast() + [units])
    }

    /// Appends an inner product of the operands.
    func multiply(
        _ kernel: InnerProductKernel, _ operands: [BufferID], _ node: NodeReader, _ lowering: inout Lowering
    ) throws -> BufferID {
        let rows = try rows(of: operands[0], node, &lowering)
        let product = try lowering.add(kernel, [rows] + operands.dropFirst(), node)
        return try unroll(product, of: operands[0], node, &lowering)
    }

    /// The data as the kernel takes them: N×…, where only the last axis is multiplied all others in one.
    func rows(of source: BufferID, _ node: NodeReader, _ lowering: inout Lowering) throws -> BufferID {
        let shape = lowering.type(of: LoweredValue(source)).shape
        guard !flattens, shape.rank != 2, let depth = shape.dimensions.last else { return source }
        let count = shape.dimensions.dropLast().reduce(1, *)
        return try lowering.add(ReshapeKernel([count, depth]), [source], node)
    }

    /// What was computed from `rows`, with the axes that the data had.
    func unroll(
        _ product: BufferID, of source: BufferID, _ node: NodeReader, _ lowering: inout Lowering
    ) throws -> BufferID {
        let shape = try resultShape(of: lowering.type(of: LoweredValue(source)).shape)
        guard shape.rank != 2 else { return product }
        return try lowering.add(ReshapeKernel(shape), [product], node)
    }
}
