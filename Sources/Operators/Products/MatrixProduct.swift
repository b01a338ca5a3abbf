import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// α · op(A) · op(B), over the last two axes: batch_dot (src/operator/tensor/dot-inl.h), linalg_gemm2 and syrk
/// (src/operator/tensor/la_op.cc), NumPy's matmul (src/operator/numpy/np_matmul_op.cc), which broadcasts the other axes
/// and takes vectors, too.
struct MatrixProduct: OperatorDefinition {
    enum Kind { case batch, gemm, syrk, numPy }

    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(
        because: "neither operand is stored; only fully connected layers are quantized")
    private let kind: Kind

    static let all = [
        MatrixProduct("batch_dot", ["_npx_batch_dot"], .batch, "products of matrices, batch by batch"),
        MatrixProduct("_linalg_gemm2", ["linalg_gemm2"], .gemm, "scaled products of matrices"),
        MatrixProduct("_linalg_syrk", ["linalg_syrk"], .syrk, "scaled products of matrices and their transposes"),
        MatrixProduct("_npi_matmul", [], .numPy, "NumPy's product of matrices and vectors"),
    ]

    private init(_ name: String, _ aliases: [String], _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
        var form = MXNetForm(name)
        form.names += aliases
        mxnet = form
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { kind == .syrk ? 1...1 : 2...2 }

    var onnx: ONNXForm {
        let definition = self
        var mapping = ONNXMapping(
            write: { node, writing in try definition.write(node, &writing) },
            read: Self.read)
        if kind == .numPy { mapping.types = ["MatMul"] }
        return .mapped(mapping)
    }

    /// With a stored matrix it is a fully connected layer along the last axis, which MXNet stores the other way round.
    @Sendable private static func read(_ reading: inout ONNXReading) throws {
        guard let weights = reading.constant(1), weights.shape.rank == 2, weights.dataType.isFloatingPoint,
            reading.constant(0) == nil, reading.shape(0)?.rank ?? 2 >= 2, weights.shape[1] > 0
        else { return reading.define("_npi_matmul") }
        let transposed = reading.addParameter("_weight", weights.asFloat32().transposed())
        reading.define(
            "FullyConnected",
            ["flatten": .text("False"), "no_bias": .text("True"), "num_hidden": .integer(weights.shape[1])],
            inputs: [reading.inputs[0], transposed])
    }

    private func form(_ attributes: Attributes) throws -> (kernel: MatMulKernel, factor: Float) {
        func flag(_ name: String) throws -> Bool { try attributes.boolean(name) ?? false }
        if kind == .gemm, let axis = try attributes.integer("axis"), axis != -2 {
            throw ModelError("axis=\(axis) is not supported", advice: "only -2 is")
        }
        let kernel =
            switch kind {
            case .numPy: MatMulKernel()
            case .syrk: MatMulKernel(transposesA: try flag("transpose"), transposesB: try !flag("transpose"))
            default: MatMulKernel(transposesA: try flag("transpose_a"), transposesB: try flag("transpose_b"))
            }
        return (kernel, kind == .gemm || kind == .syrk ? Float(try attributes.number("alpha") ?? 1) : 1)
    }

    private var second: Int { kind == .syrk ? 0 : 1 }

    private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let (kernel, factor) = try form(node.attributes), name = node.node.name
        func operand(_ input: Int, transposes: Bool, _ suffix: String) throws -> String {
            let operand = try writing.name(node, input)
            guard transposes else { return operand }
            var axes = Array(try node.shape(input).dimensions.indices)
            guard axes.count >= 2 else { throw ModelError("a vector cannot be transposed") }
            axes.swapAt(axes.count - 1, axes.count - 2)
            writing.emit(
                "Transpose", node, inputs: [operand], attributes: [ONNXAttribute("perm", .ints(axes))], suffix: suffix,
                outputs: [name + suffix])
            return name + suffix
        }
        let operands = [
            try operand(0, transposes: kernel.transposesA, "_a"),
            try operand(second, transposes: kernel.transposesB, "_b"),
        ]
        guard factor != 1 else { return writing.emit("MatMul", node, inputs: operands) }
        writing.emit("MatMul", node, inputs: operands, suffix: "_product", outputs: [name + "_product"])
        let alpha = writing.initializer(name + "_alpha", Tensor([factor], shape: []))
        writing.emit("Mul", node, inputs: [name + "_product", alpha])
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (kernel, _) = try form(node.attributes)
        let (a, b) = (try node.type(0), try node.type(second))
        guard let x = a.shape, let y = b.shape else { return [ValueType(a.dataType.computed, nil)] }
        return [ValueType(a.dataType.computed, try VectorAxes(x, y, allowed: kind == .numPy).result(of: kernel))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (kernel, factor) = try form(node.attributes)
        var operands = [try lowering.floatValue(node, 0), try lowering.floatValue(node, second)]
        let axes = try VectorAxes(
            lowering.type(of: LoweredValue(operands[0])).shape, lowering.type(of: LoweredValue(operands[1])).shape,
            allowed: kind == .numPy)
        for (index, shape) in [axes.a, axes.b].enumerated()
        where lowering.type(of: LoweredValue(operands[index])).shape != shape {
            operands[index] = try lowering.add(ReshapeKernel(shape), [operands[index]], node)
        }
        var result = try lowering.add(kernel, operands, node)
        let shape = try axes.result(of: kernel)
        if lowering.type(of: LoweredValue(result)).shape != shape {
            result = try lowering.add(ReshapeKernel(shape), [result], node)
        }
        if factor != 1 {
            result = try lowering.add(ActivationKernel(ActivationFunction(.linear, alpha: factor)), [result], node)
        }
        lowering.define(node, LoweredValue(result))
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
        switch kind {
        case .batch:
            return [
                example("plain", "2, 3, 4", "2, 4, 5"),
                example("both transposed", "2, 4, 3", "2, 5, 4", "transpose_a=\"True\", transpose_b=\"True\""),
            ]
        case .gemm:
            return [
                example("matrices", "3, 4", "4, 2"),
                example("scaled, transposed", "2, 3, 4", "2, 3, 5", "alpha=\"0.5\", transpose_a=\"True\""),
            ]
        case .numPy:
            return [
                example("axes that are repeated", "2, 1, 3, 4", "5, 4, 2"), example("a vector behind", "2, 3, 4", "4"),
                example("a vector in front", "4", "2, 4, 3"), example("matrices", "3, 4", "4, 2"),
            ]
        case .syrk:
            return ["", "alpha=\"2.0\", transpose=\"True\""].map { attributes in
                OperatorExample(
                    attributes.isEmpty ? "plain" : "scaled, transposed",
                    """
                    %a: float32[3, 4] = input
                    %dot_output = _linalg_syrk(%a) {\(attributes)}
                    return %dot_output
                    """)
            }
        }
    }
}

/// The operands of a matrix product as matrices: a vector in front is a row, one behind is a column; the axis that it
/// got goes again.
private struct VectorAxes {
    let a: Shape
    let b: Shape
    private let isRow: Bool
    private let isColumn: Bool

    init(_ a: Shape, _ b: Shape, allowed: Bool) throws {
        guard a.rank >= (allowed ? 1 : 2), b.rank >= (allowed ? 1 : 2) else {
            throw ModelError("\(a) and \(b) have no matrix product")
        }
        (isRow, isColumn) = (a.rank == 1, b.rank == 1)
        self.a = isRow ? Shape([1] + a.dimensions) : a
        self.b = isColumn ? Shape(b.dimensions + [1]) : b
    }

    func result(of kernel: MatMulKernel) throws -> Shape {
        var dimensions = try kernel.resultTypes([TensorType(.float32, a), TensorType(.float32, b)])[0].shape.dimensions
        if isColumn { dimensions.removeLast() }
        if isRow { dimensions.remove(at: dimensions.count - (isColumn ? 1 : 2)) }
        return Shape(dimensions)
    }
}
