import TensorCore

/// result[b…, m, n] = Σ over k: a[b…, m, k] · b[b…, k, n]; the axes before the last two are broadcast as NumPy does.
/// float32, or whole numbers of one type.
public struct MatMulKernel: Kernel, Hashable {
    public static let name = "matrix product"
    /// The operand's last two axes are k, m instead of m, k.
    public var transposesA: Bool
    /// Takes the columns of the second operand for its rows.
    public var transposesB: Bool

    public init(transposesA: Bool = false, transposesB: Bool = false) {
        self.transposesA = transposesA
        self.transposesB = transposesB
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let sizes = try MatrixSizes(self, operands)
        return [TensorType(operands[0].dataType, sizes.result)]
    }
}

/// What the shapes of a matrix product say.
struct MatrixSizes {
    let rows: Int
    let columns: Int
    let depth: Int
    let result: Shape
    /// For each matrix of the result the number of the matrix of either operand.
    let matrices: [(a: Int, b: Int)]

    init(_ kernel: MatMulKernel, _ operands: [TensorType]) throws {
        let a = operands[0].shape, b = operands[1].shape
        func refusal() -> ModelError {
            let (x, y) = (kernel.transposesA ? " transposed" : "", kernel.transposesB ? " transposed" : "")
            return ModelError("\(a)\(x) and \(b)\(y) have no matrix product")
        }
        guard a.rank >= 2, b.rank >= 2, operands[0].dataType == operands[1].dataType else { throw refusal() }
        let (rowAxis, depthAxis) = kernel.transposesA ? (a.rank - 1, a.rank - 2) : (a.rank - 2, a.rank - 1)
        let (depthAxisB, columnAxis) = kernel.transposesB ? (b.rank - 1, b.rank - 2) : (b.rank - 2, b.rank - 1)
        guard a[depthAxis] == b[depthAxisB] else { throw refusal() }
        (rows, columns, depth) = (a[rowAxis], b[columnAxis], a[depthAxis])
        let batchA = Shape(Array(a.dimensions.dropLast(2))), batchB = Shape(Array(b.dimensions.dropLast(2)))
        let batch = try BinaryKernel(.add).resultTypes([TensorType(.float32, batchA), TensorType(.float32, batchB)])[0]
            .shape
        result = try Shape(checking: batch.dimensions + [rows, columns])
        matrices = zip(
            StridedOffsets(batch, strides: batchA.strides(broadcastTo: batch)),
            StridedOffsets(batch, strides: batchB.strides(broadcastTo: batch))
        ).map { ($0, $1) }
    }
}

extension Shape {
    /// Strides that repeat the axes of extent 1 along those of `shape`.
    func strides(broadcastTo shape: Shape) -> [Int] {
        let missing = shape.rank - rank, own = strides
        return shape.dimensions.indices.map { axis in
            axis < missing || self[axis - missing] == 1 ? 0 : own[axis - missing]
        }
    }
}
