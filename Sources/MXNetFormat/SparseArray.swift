import TensorCore

extension MXNetArray {
    /// The array with its zeros: of a dense one the tensor that it is.
    /// - Throws: `ModelError` if indices lie outside the shape or do not fit the values, if there is no shape, and if
    ///   the result would take more than 4 GiB.
    public func densified() throws -> Tensor {
        switch storage {
        case .dense(let tensor): return tensor
        case .none: throw ModelError("the array has no shape")
        case .rowSparse(let values, let indices, let shape):
            guard shape.rank > 0, values.shape.rank == shape.rank,
                values.shape.dimensions.dropFirst() == shape.dimensions.dropFirst()
            else { throw ModelError("rows of shape \(values.shape) do not fit an array of shape \(shape)") }
            let rows = try Self.integers(indices, count: values.shape[0], below: shape[0], "row")
            let rowWidth = shape.dimensions.dropFirst().reduce(values.dataType.byteWidth, *)
            return try Self.scatter(values, to: rows.map { $0 * rowWidth }, width: rowWidth, shape)
        case .compressedRows(let values, let rowPointers, let columns, let shape):
            guard shape.rank == 2, values.shape.rank == 1 else {
                throw ModelError(
                    "values of shape \(values.shape) in compressed rows do not fit an array of shape \(shape)")
            }
            let width = values.dataType.byteWidth, count = values.elementCount
            // An array without values may have row pointers of any length: MXNet saves them unfilled.
            if count == 0 { return try Self.scatter(values, to: [], width: width, shape) }
            let ends = try Self.integers(rowPointers, count: shape[0] + 1, below: count + 1, "row pointer")
            let column = try Self.integers(columns, count: count, below: shape[1], "column")
            guard ends.first == 0, ends.last == count, zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw ModelError("the row pointers do not ascend from 0 to \(count)", advice: "the file looks damaged")
            }
            let targets = (0..<shape[0]).flatMap { row in
                column[ends[row]..<ends[row + 1]].map { (row * shape[1] + $0) * width }
            }
            return try Self.scatter(values, to: targets, width: width, shape)
        }
    }

    private static let byteLimit = 1 << 32

    /// A tensor of zeros, into which each `width` bytes of `values` go at one of the offsets.
    private static func scatter(_ values: Tensor, to offsets: [Int], width: Int, _ shape: Shape) throws -> Tensor {
        guard shape.elementCount <= byteLimit / values.dataType.byteWidth else {
            throw ModelError("a sparse array of shape \(shape) takes more than 4 GiB when its zeros are written out")
        }
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
