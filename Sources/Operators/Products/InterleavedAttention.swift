import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Products of attention whose queries, keys and values lie side by side, head by head: T×B×(H·P·D) with P parts
/// (src/operator/contrib/transformer.cc).
///
///     qk:     q/√D · kᵀ  → B·H×T×T'
///     valatt: attention · v → T×B×(H·D)
struct InterleavedAttention: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "neither operand is stored; only fused attention is quantized")
    private let isSelf: Bool
    let weighsValues: Bool

    static let all = [true, false].flatMap { isSelf in
        [false, true].map { InterleavedAttention(isSelf: isSelf, weighsValues: $0) }
    }

    init(isSelf: Bool, weighsValues: Bool) {
        name = "_contrib_interleaved_matmul_\(isSelf ? "selfatt" : "encdec")_\(weighsValues ? "valatt" : "qk")"
        let source = isSelf ? "of a sequence with itself" : "of a sequence with another"
        summary = weighsValues ? "values weighed by attention \(source)" : "scores of attention \(source)"
        mxnet = MXNetForm(name)
        self.isSelf = isSelf
        self.weighsValues = weighsValues
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { isSelf && !weighsValues ? 1...1 : 2...2 }

    /// One part of an input: T×B×(H·P·D).
    private struct Part {
        var input: Int
        var index: Int
        var length: Int
        var batch: Int
        var heads: Int
        var parts: Int
        var depth: Int

        init(input: Int, index: Int, of parts: Int, heads: Int, _ shape: Shape) throws {
            guard shape.rank == 3, shape[2] % (heads * parts) == 0 else {
                throw ModelError("\(shape) is not T×B×(\(heads) heads · \(parts) parts · D)")
            }
            (self.input, self.index, self.parts, self.heads) = (input, index, parts, heads)
            (length, batch, depth) = (shape[0], shape[1], shape[2] / (heads * parts))
        }

        /// B×H×T×D, or B×H×D×T.
        func view(transposed: Bool) -> StridedViewKernel {
            let row = batch * heads * parts * depth
            let strides = [heads * parts * depth, parts * depth]
            return transposed
                ? StridedViewKernel(
                    shape: Shape([batch, heads, depth, length]), strides: strides + [1, row], offset: index * depth)
                : StridedViewKernel(
                    shape: Shape([batch, heads, length, depth]), strides: strides + [row, 1], offset: index * depth)
        }
    }

    private func heads(_ attributes: Attributes) throws -> Int {
        guard let heads = try attributes.integer("heads"), 1...(1 << 20) ~= heads else {
            throw ModelError("heads is missing or not positive")
        }
        return heads
    }

    /// Queries and keys, or values alone.
    private func parts(_ heads: Int, _ shape: (Int) throws -> Shape) throws -> [Part] {
        let parts = isSelf ? 3 : 2
        if weighsValues { return [try Part(input: 0, index: parts - 1, of: parts, heads: heads, try shape(0))] }
        let queries = try Part(input: 0, index: 0, of: isSelf ? 3 : 1, heads: heads, try shape(0))
        let keys =
            isSelf
            ? try Part(input: 0, index: 1, of: 3, heads: heads, try shape(0))
            : try Part(input: 1, index: 0, of: 2, heads: heads, try shape(1))
        guard queries.batch == keys.batch, queries.depth == keys.depth else {
            throw ModelError("queries \(try shape(0)) and keys \(try shape(1)) do not fit")
        }
        return [queries, keys]
    }

    /// - Parameter scores: the shape of the attention, if there is one.
    private func result(_ parts: [Part], scores: Shape?) throws -> Shape {
        let first = parts[0]
        guard weighsValues else {
            return try Shape(checking: [first.batch * first.heads, first.length, parts[1].length])
        }
        guard let scores, scores.rank == 3, scores[0] == first.batch * first.heads, scores[2] == first.length else {
            throw ModelError("attention \(scores ?? []) does not fit \(first.batch * first.heads) heads")
        }
        return try Shape(checking: [scores[1], first.batch, first.heads * first.depth])
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let heads = try heads(node.attributes)
        guard try node.node.inputs.indices.allSatisfy({ try node.type($0).shape != nil }) else {
            return [ValueType(.float32, nil)]
        }
        let parts = try parts(heads) { try node.shape($0) }
        return [ValueType(.float32, try result(parts, scores: weighsValues ? try node.shape(1) : nil))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let inputs = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try product(of: inputs, node, &lowering)))
    }

    /// - Parameter inputs: float32; the numbers may be codes.
    func product(of inputs: [BufferID], _ node: NodeReader, _ lowering: inout Lowering) throws -> BufferID {
        let shapes = inputs.map { lowering.type(of: LoweredValue($0)).shape }
        let parts = try parts(try heads(node.attributes)) { shapes[$0] }, first = parts[0]
        let shape = try result(parts, scores: weighsValues ? shapes[1] : nil)
        var left = try lowering.add(first.view(transposed: false), [inputs[first.input]], node)
        if weighsValues {
            let values = left
            let rows = Shape([first.batch, first.heads, shape[0], first.length])
            left = try lowering.add(ReshapeKernel(rows), [inputs[1]], node)
            let product = try lowering.add(MatMulKernel(), [left, values], node)
            // B×H×T×D → T×B×H×D
            let plane = shape[0] * first.depth
            let view = StridedViewKernel(
                shape: Shape([shape[0], first.batch, first.heads, first.depth]),
                strides: [first.depth, first.heads * plane, plane, 1])
            let turned = try lowering.add(view, [product], node)
            return try lowering.add(ReshapeKernel(shape), [turned], node)
        }
        let scale = ActivationFunction(.linear, alpha: 1 / Float(first.depth).squareRoot())
        left = try lowering.add(ActivationKernel(scale), [left], node)
        let right = try lowering.add(parts[1].view(transposed: true), [inputs[parts[1].input]], node)
        let product = try lowering.add(MatMulKernel(), [left, right], node)
        return try lowering.add(ReshapeKernel(shape), [product], node)
    }

    var onnx: ONNXForm {
        let definition = self
        return .mapped(
            ONNXMapping(
                write: { node, writing in try definition.write(node, &writing) },
                read: { [name] reading in reading.define(name) }))
    }

    private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let parts = try parts(try heads(node.attributes)) { try node.shape($0) }, first = parts[0]
        let name = node.node.name
        let shape = try result(parts, scores: weighsValues ? try node.shape(1) : nil)
        func reshape(_ input: String, _ extents: [Int], _ suffix: String) -> String {
            let constant = writing.initializer(name + suffix + "_shape", Tensor(extents.map { Int64($0) }))
            writing.emit("Reshape", node, inputs: [input, constant], suffix: suffix, outputs: [name + suffix])
            return name + suffix
        }
        func transpose(_ input: String, _ axes: [Int], _ suffix: String) -> String {
            writing.emit(
                "Transpose", node, inputs: [input], attributes: [ONNXAttribute("perm", .ints(axes))], suffix: suffix,
                outputs: [name + suffix])
            return name + suffix
        }
        func part(_ part: Part, transposed: Bool, _ suffix: String) throws -> String {
            let split = reshape(
                try writing.name(node, part.input), [part.length, part.batch, part.heads, part.parts, part.depth],
                suffix + "_parts")
            let index = writing.initializer(name + suffix + "_index", Tensor(scalar: Int64(part.index)))
            writing.emit(
                "Gather", node, inputs: [split, index], attributes: [ONNXAttribute("axis", .int(3))],
                suffix: suffix + "_part", outputs: [name + suffix + "_part"])
            return transpose(name + suffix + "_part", transposed ? [1, 2, 3, 0] : [1, 2, 0, 3], suffix)
        }
        let product = name + "_product"
        if weighsValues {
            let values = try part(first, transposed: false, "_values")
            let scores = reshape(
                try writing.name(node, 1), [first.batch, first.heads, shape[0], first.length], "_scores")
            writing.emit("MatMul", node, inputs: [scores, values], suffix: "_product", outputs: [product])
            let turned = transpose(product, [2, 0, 1, 3], "_turned")
            let extents = writing.initializer(name + "_shape", Tensor(shape.dimensions.map { Int64($0) }))
            return writing.emit("Reshape", node, inputs: [turned, extents])
        }
        let queries = try part(first, transposed: false, "_queries")
        let keys = try part(parts[1], transposed: true, "_keys")
        let scale = writing.initializer(
            name + "_scale", Tensor([1 / Float(first.depth).squareRoot()], shape: []))
        writing.emit("Mul", node, inputs: [queries, scale], suffix: "_scaled", outputs: [name + "_scaled"])
        writing.emit("MatMul", node, inputs: [name + "_scaled", keys], suffix: "_product", outputs: [product])
        let extents = writing.initializer(name + "_shape", Tensor(shape.dimensions.map { Int64($0) }))
        writing.emit("Reshape", node, inputs: [product, extents])
    }

    var examples: [OperatorExample] {
        let shapes =
            switch (isSelf, weighsValues) {
            case (true, false): ["4, 2, 18"]
            case (true, true): ["4, 2, 18", "4, 4, 4"]
            case (false, false): ["5, 2, 6", "4, 2, 12"]
            case (false, true): ["4, 2, 12", "4, 5, 4"]
            }
        let inputs = shapes.enumerated().map { "%x\($0): float32[\($1)] = input\n" }.joined()
        let names = shapes.indices.map { "%x\($0)" }.joined(separator: ", ")
        return [
            OperatorExample(
                "two heads",
                """
                \(inputs)%att_output = \(name)(\(names)) {heads="2"}
                return %att_output
                """)
        ]
    }
}
