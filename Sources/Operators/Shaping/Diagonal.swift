import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The k-th diagonal of two axes, which becomes the last axis; or a matrix with a vector as its k-th diagonal
/// (src/operator/tensor/diag_op.cc, src/operator/numpy/np_matrix_op.cc).
struct Diagonal: ArrangingOperator {
    let name: String
    let summary = "a diagonal of a tensor, or a matrix of its diagonal"
    let mxnet: MXNetForm?

    static let all = [
        Diagonal(name: "diag", mxnet: MXNetForm("diag")), Diagonal(name: "_np_diag", mxnet: MXNetForm("_np_diag")),
    ]

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let k = try node.attributes.integer("k") ?? 0
        guard abs(max(k, -Int.max)) <= 1 << 20 else { throw ModelError("k=\(k) is out of range") }
        if source.rank == 1 { return [try matrix(of: source, k)] }
        let row = try source.axis(node.attributes.integer("axis1") ?? 0, "axis1")
        let column = try source.axis(node.attributes.integer("axis2") ?? 1, "axis2")
        guard row != column else { throw ModelError("axis1 and axis2 are one axis") }
        let others = source.dimensions.indices.filter { $0 != row && $0 != column }
        let (rows, columns) = (source[row], source[column])
        let count = k >= 0 ? min(rows, columns - k) : min(rows + k, columns)
        guard count > 0 else { throw ModelError("\(source) has no diagonal k=\(k)") }
        // Neighbours on a diagonal are a row and an element apart.
        var arrangement = Arrangement(source)
        try arrangement.transpose(others + [row, column])
        try arrangement.reshape(others.map { source[$0] } + [rows * columns])
        let start = k >= 0 ? k : -k * columns
        arrangement.slice([others.count: AxisSlice(start: start, count: count, step: columns + 1)])
        return [arrangement]
    }

    /// Zeros behind each element take up the row and the element between neighbours on a diagonal of n + |k|.
    private func matrix(of source: Shape, _ k: Int) throws -> Arrangement {
        let extent = source[0] + abs(k)
        guard extent < 1 << 24 else { throw ModelError("a diagonal of \(source) makes too large a matrix") }
        let start = k >= 0 ? k : -k * extent, total = start + source[0] * (extent + 1)
        var arrangement = Arrangement(source)
        try arrangement.reshape([source[0], 1])
        try arrangement.pad(.constant(0), begin: [0, 0], end: [0, extent])
        try arrangement.reshape([source[0] * (extent + 1)])
        try arrangement.pad(.constant(0), begin: [start], end: [max(extent * extent - total, 0)])
        arrangement.slice([0: AxisSlice(start: 0, count: extent * extent)])
        try arrangement.reshape([extent, extent])
        return arrangement
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ source: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(source)] = input
                %diagonal_output = \(name)(%data) {\(attributes)}
                return %diagonal_output
                """)
        }
        let matrices = [
            example("above the middle", "3, 4", "k=\"1\""), example("of a vector", "3", "k=\"0\""),
            example("of a vector, below the middle", "3", "k=\"-2\""),
        ]
        return name == "diag"
            ? matrices + [example("of two axes", "2, 3, 4", "axis1=\"-1\", axis2=\"0\", k=\"-1\"")] : matrices
    }
}

/// The lower or the upper triangle of matrices, with the k-th diagonal; the rest becomes 0
/// (src/operator/numpy/np_tril_op.cc).
struct Triangle: OperatorDefinition {
    let name: String
    let isUpper: Bool
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    static let all = [
        Triangle(
            name: "_npi_tril", isUpper: false, summary: "the lower triangle of matrices", mxnet: MXNetForm("_npi_tril")),
        Triangle(name: "Triu", isUpper: true, summary: "the upper triangle of matrices", mxnet: nil),
    ]

    var onnx: ONNXForm {
        let write: @Sendable (NodeReader, inout ONNXWriting) throws -> Void = { node, writing in
            let k = Tensor(scalar: Int64(try node.attributes.integer("k") ?? 0))
            writing.emit(
                "Trilu", node, inputs: [try writing.name(node, 0), writing.initializer(node.node.name + "_k", k)],
                attributes: [ONNXAttribute("upper", .int(isUpper ? 1 : 0))])
        }
        guard !isUpper else { return .mapped(ONNXMapping(write: write).since(14)) }
        return .mapped(
            ONNXMapping(
                "Trilu", write: write,
                read: { reading in
                    let isUpper = try reading.integer("upper") ?? 1 != 0
                    let k = try reading.integers("k", orInput: 1)?.first ?? 0
                    reading.define(
                        isUpper ? "Triu" : "_npi_tril", ["k": .integer(k)], inputs: [reading.inputs.first ?? nil])
                }
            ).since(14))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        if let shape = type.shape { _ = try kernel(node).resultTypes([TensorType(type.dataType, shape)]) }
        return [type]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        lowering.define(node, LoweredValue(try lowering.add(kernel(node), [source], node)))
    }

    private func kernel(_ node: NodeReader) throws -> TriangleKernel {
        TriangleKernel(upper: isUpper, diagonal: try node.attributes.integer("k") ?? 0)
    }

    var examples: [OperatorExample] {
        [
            OperatorExample(
                "below the middle",
                """
                %data: float32[2, 3, 4] = input
                %triangle_output = \(name)(%data) {k="-1"}
                return %triangle_output
                """),
            OperatorExample(
                "with the middle",
                """
                %data: int64[4, 3] = input
                %triangle_output = \(name)(%data) {k="0"}
                return %triangle_output
                """),
        ]
    }
}
