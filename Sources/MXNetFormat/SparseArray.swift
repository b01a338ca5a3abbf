import TensorCore

extension MXNetArray {
    /// The bytes that the zeros of a file's sparse arrays may take together, beyond four times its values.
    public static let spareBytes = 64 << 20

    /// The array with its zeros: of a dense one the tensor that it is.
    public func densified() throws -> Tensor {
        var spareBytes = Self.spareBytes
        return try densified(spareBytes: &spareBytes)
    }

    /// The array with its zeros: of a dense one the tensor that it is.
    /// - Parameter spareBytes: Is counted down from array to array, as a few bytes can stand for any number of zeros.
    /// - Throws: `ModelError` if indices lie outside the shape or do not fit the values, if there is no shape, and if
    ///   the zeros take more than the spare bytes and four times those of the values.
    public func densified(spareBytes: inout Int) throws -> Tensor {
        switch storage {
        case .dense(let tensor): return tensor
        case .none: throw ModelError("the array has no shape")
        case .rowSparse(let values, let indices, let shape):
            guard shape.rank > 0, values.shape.rank == shape.rank,
                values.shape.dimensions.dropFirst() == shape.dimensions.dropFirst()
            else { throw ModelError("rows of shape \(values.shape) do not fit an array of shape \(shape)") }
            let rows = try Self.integers(indices, count: values.shape[0], below: shape[0], "row")
            let rowWidth = shape.dimensions.dropFirst().reduce(values.dataType.byteWidth, *)
            return try Self.scatter(&spareBytes, values, to: rows.map { $0 * rowWidth }, width: rowWidth, shape)
        case .compressedRows(let values, let rowPointers, let columns, let shape):
            guard shape.rank == 2, values.shape.rank == 1 else {
                throw ModelError(
                    "values of shape \(values.shape) in compressed rows do not fit an array of shape \(shape)")
            }
            let width = values.dataType.byteWidth, count = values.elementCount
            // An array without values may have row pointers of any length: MXNet saves them unfilled.
            if count == 0 { return try Self.scatter(&spareBytes, values, to: [], width: width, shape) }
            let ends = try Self.integers(rowPointers, count: shape[0] + 1, below: count + 1, "row pointer")
            let column = try Self.integers(columns, count: count, below: shape[1], "column")
            guard ends.first == 0, ends.last == count, zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw ModelError("the row pointers do not ascend from 0 to \(count)", advice: "the file looks damaged")
            }
            let targets = (0..<shape[0]).flatMap { row in
                column[ends[row]..<ends[row + 1]].map { (row * shape[1] + $0) * width }
            }
            return try Self.scatter(&spareBytes, values, to: targets, width: width, shape)
        }
    }

    /// A tensor of zeros, into which each `width` bytes of `values` go at one of the offsets.
    private static func scatter(
        _ spareBytes: inout Int, _ values: Tensor, to offsets: [Int], width: Int, _ shape: Shape
    ) throws -> Tensor {
        // Cannot overflow: a checked shape leaves room for its bytes.
        let byteCount = shape.elementCount * values.dataType.byteWidth, surplus = byteCount - 4 * values.byteCount
        guard surplus <= spareBytes else {
            throw ModelError(
                "a sparse array of shape \(shape) with \(values.elementCount) values takes \(byteCount) bytes when its "
                    + "zeros are written out, too much for so few values", advice: "save it as a dense array")
        }
        spareBytes -= max(surplus, 0)
        return Tensor(dataType: values.dataType, shape: shape) { target in
            target.initializeMemory(as: UInt8.self, repeating: 0)
            values.withBytes { bytes in
                for (index, offset) in offsets.enumerated() where width > 0 {
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + width])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[index * width..<(index + 1) * width]))
                }
            }
        }
    }

    private static func integers(_ tensor: Tensor, count: Int, below limit: Int, _ what: String) throws -> [Int] {
        let numbers: [Int]
        switch tensor.dataType {
        case .int64: numbers = tensor.elements(as: Int64.self).map { Int($0) }
        case .int32: numbers = tensor.elements(as: Int32.self).map { Int($0) }
        default: throw ModelError("a \(what) is a \(tensor.dataType), which is no index")
        }
        guard numbers.count == count else {
            throw ModelError("there are \(numbers.count) \(what)s, but \(count) are needed")
        }
        if let wrong = numbers.first(where: { !(0..<limit).contains($0) }) {
            throw ModelError("\(what) \(wrong) lies outside 0 to \(limit - 1)", advice: "the file looks damaged")
        }
        return numbers
    }
}
