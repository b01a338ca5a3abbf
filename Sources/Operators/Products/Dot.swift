import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Σ over the last axis of A and the first of B; transposed, over the first of A, or the last of B
/// (src/operator/tensor/dot-inl.h). The other axes stay, A's before B's; two vectors give one element.
struct Dot: OperatorDefinition {
    let name: String
    let mxnet: MXNetForm?
    private let isNumPys: Bool

    static let all = [
        Dot("dot", MXNetForm("dot", "_sparse_dot"), isNumPys: false),
        Dot("_np_dot", MXNetForm("_np_dot"), isNumPys: true),
    ]

    private init(_ name: String, _ form: MXNetForm, isNumPys: Bool) {
        self.name = name
        mxnet = form
        self.isNumPys = isNumPys
    }

    let summary = "sum of products over one axis of each operand"
    let quantization = QuantizationRule.float(
        because: "neither operand is stored; only fully connected layers are quantized")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    /// The product as one of two matrices.
    private struct Form {
        var kernel: MatMulKernel
        var a: Shape
        var b: Shape
        var result: Shape
    }

    private func form(_ attributes: Attributes, _ a: Shape, _ b: Shape) throws -> Form {
        let kernel = MatMulKernel(
            transposesA: try attributes.boolean("transpose_a") ?? false,
            transposesB: try attributes.boolean("transpose_b") ?? false)
        guard a.rank >= 1, b.rank >= 1, !isNumPys || b.rank <= 2 else {
            throw ModelError("a product of \(a) and \(b) is not supported")
        }
        // A vector has no other axis.
        let (turnsA, turnsB) = (kernel.transposesA && a.rank > 1, kernel.transposesB && b.rank > 1)
        let restA = Array(turnsA ? a.dimensions.dropFirst() : a.dimensions.dropLast())
        let restB = Array(turnsB ? b.dimensions.dropLast() : b.dimensions.dropFirst())
        let depthA = turnsA ? a[0] : a[a.rank - 1], depthB = turnsB ? b[b.rank - 1] : b[0]
        guard depthA == depthB else { throw ModelError("\(a) and \(b) do not fit: \(depthA) is not \(depthB)") }
        let rows = restA.reduce(1, *), columns = restB.reduce(1, *)
        let result = restA + restB
        return Form(
            kernel: MatMulKernel(transposesA: turnsA, transposesB: turnsB),
            a: turnsA ? [depthA, rows] : [rows, depthA], b: turnsB ? [columns, depthA] : [depthA, columns],
            result: result.isEmpty && !isNumPys ? [1] : try Shape(checking: result))
    }

    var onnx: ONNXForm {
        let definition = self
        return .mapped(
            ONNXMapping(
                write: { node, writing in
                    let shapes = [try node.shape(0), try node.shape(1)], name = node.node.name
                    let form = try definition.form(node.attributes, shapes[0], shapes[1])
                    var operands = [try writing.name(node, 0), try writing.name(node, 1)]
                    for (index, (shape, suffix)) in [(form.a, "_a"), (form.b, "_b")].enumerated()
                    where shape != shapes[index] {
                        let extents = writing.initializer(
                            name + suffix + "_shape", Tensor(shape.dimensions.map { Int64($0) }))
                        writing.emit(
                            "Reshape", node, inputs: [operands[index], extents], suffix: suffix,
                            outputs: [name + suffix])
                        operands[index] = name + suffix
                    }
                    var attributes: [ONNXAttribute] = []
                    if form.kernel.transposesA { attributes.append(ONNXAttribute("transA", .int(1))) }
                    if form.kernel.transposesB { attributes.append(ONNXAttribute("transB", .int(1))) }
                    let isMatrix = form.result.rank == 2 && shapes.allSatisfy { $0.rank == 2 }
                    writing.emit(
                        "Gemm", node, inputs: operands, attributes: attributes, suffix: isMatrix ? "" : "_product",
                        outputs: isMatrix ? nil : [name + "_product"])
                    guard !isMatrix else { return }
                    let extents = writing.initializer(
                        name + "_shape", Tensor(form.result.dimensions.map { Int64($0) }))
                    writing.emit("Reshape", node, inputs: [name + "_product", extents])
                }, read: { reading in reading.define("dot") }))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (a, b) = (try node.type(0), try node.type(1))
        guard let x = a.shape, let y = b.shape else { return [ValueType(a.dataType.computed, nil)] }
        return [ValueType(a.dataType.computed, try form(node.attributes, x, y).result)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (a, b) = (try lowering.floatValue(node, 0), try lowering.floatValue(node, 1))
        let form = try form(
            node.attributes, lowering.type(of: LoweredValue(a)).shape, lowering.type(of: LoweredValue(b)).shape)
        let operands = [
            try lowering.add(ReshapeKernel(form.a), [a], node), try lowering.add(ReshapeKernel(form.b), [b], node),
        ]
        let product = try lowering.add(form.kernel, operands, node)
        lowering.define(node, LoweredValue(try lowering.add(ReshapeKernel(form.result), [product], node)))
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ a: String, _ b: String, _ attributes: String = "") -> OperatorExample {
            OperatorExample(
                title,
                """
                %a: float32[\(a)] = input
                %b: float32[\(b)] = input
                %dot_output = \(name)(%a, %b) {\(attributes)}
                return %dot_output
                """)
        }
        if isNumPys { return [example("matrices", "3, 4", "4, 2"), example("a vector", "2, 3, 4", "4")] }
        return [
            example("matrices", "3, 4", "4, 2"), example("vectors", "4", "4"),
            example("transposed", "4, 3", "2, 4", "transpose_a=\"True\", transpose_b=\"True\""),
            example("more axes", "2, 3, 4", "4, 5, 2"),
            example("more axes, transposed", "2, 3, 4", "2, 5", "transpose_a=\"True\""),
            example("a matrix and a vector", "3, 4", "4"),
        ]
    }
}
