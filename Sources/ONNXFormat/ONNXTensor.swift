import TensorCore

/// A tensor of an ONNX file: a constant, or the value of an attribute.
///
/// Wherever the file kept the elements (raw_data, a typed field, another file), here they are bytes in one layout:
/// row-major, little-endian, elements below 8 bits packed from the lowest bit of each byte on. Those of raw_data and of
/// other files are slices of the mapped file.
public struct ONNXTensor: Sendable, Equatable {
    public var name: String
    /// The type of the elements.
    public let elementType: ONNXElementType
    /// Extents, outermost axis first.
    public let shape: Shape
    /// The elements.
    public let payload: Payload
    /// A comment of the file.
    public var docString = ""
    /// Properties of the file.
    public var metadata: [ONNXProperty] = []

    /// How elements are stored.
    public enum Payload: Sendable, Equatable {
        /// The elements' bytes, as a uint8 tensor of one axis; exactly as many as type and shape need.
        case bytes(Tensor)
        /// The elements of a tensor of strings.
        case strings([[UInt8]])
    }

    /// - Throws: `ModelError` if the payload is not as long as the type and the shape say.
    public init(name: String, elementType: ONNXElementType, shape: Shape, payload: Payload) throws {
        switch (payload, elementType.byteCount(of: shape)) {
        case (.strings(let strings), nil):
            guard strings.count == shape.elementCount else {
                throw ModelError("a tensor of \(shape) strings has \(strings.count) of them")
            }
        case (.bytes(let bytes), let expected?):
            guard bytes.byteCount == expected else {
                throw ModelError(
                    "a \(elementType) tensor of \(shape) needs \(expected) bytes, but has \(bytes.byteCount)")
            }
        default: throw ModelError("a tensor of \(elementType) has a payload of another kind")
        }
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.payload = payload
    }

    /// A tensor that shares the bytes of `tensor`.
    public init(name: String, _ tensor: Tensor) {
        self.name = name
        self.elementType = ONNXElementType(tensor.dataType)
        self.shape = tensor.shape
        self.payload = .bytes(tensor.asBytes())
    }

    /// The same elements, sharing the bytes.
    /// - Throws: `ModelError` if no `DataType` has such elements: strings, complex numbers, 8-bit floats, 4 and 2 bits.
    public func tensor() throws -> Tensor {
        guard let dataType = elementType.dataType, case .bytes(let bytes) = payload else {
            throw ModelError(
                "\(elementType) elements are not supported", at: "tensor '\(name)'",
                advice: "the types that are: \(DataType.allCases.commaSeparated)")
        }
        return try Tensor(dataType: dataType, shape: shape, storage: bytes.storage, byteOffset: bytes.byteOffset)
    }
}

/// A tensor of which only the values that are not zero are kept.
public struct ONNXSparseTensor: Sendable, Equatable {
    /// The values, one axis; its name is the name of the whole.
    public var values: ONNXTensor
    /// int64: positions in row-major order `[count]`, or coordinates `[count, rank]`.
    public var indices: ONNXTensor
    /// Of the whole tensor.
    public var shape: Shape

    /// The elements that are not zero, and where they are.
    public init(values: ONNXTensor, indices: ONNXTensor, shape: Shape) {
        self.values = values
        self.indices = indices
        self.shape = shape
    }
}

extension ONNXSparseTensor {
    /// A few bytes of a file can stand for as many zeros as they like.
    private static let largestDenseSize = 1 << 28

    /// All elements, zeros included.
    /// - Throws: `ModelError` for positions outside of the shape, and for a shape that takes more than 256 MB.
    public func densified() throws -> Tensor {
        let values = try values.tensor(), width = values.dataType.byteWidth
        guard shape.elementCount <= Self.largestDenseSize / width else {
            throw ModelError(
                "would take \(shape.elementCount * width) bytes without its zeros left out",
                at: "sparse tensor '\(self.values.name)'")
        }
        let indices = try indices.tensor()
        let positions = try rowMajorPositions(indices.asInts(), of: indices.shape, count: values.elementCount)
        return Tensor(dataType: values.dataType, shape: shape) { target in
            target.initializeMemory(as: UInt8.self, repeating: 0)
            values.withBytes { source in
                for (index, position) in positions.enumerated() {
                    UnsafeMutableRawBufferPointer(rebasing: target[position * width..<(position + 1) * width])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[index * width..<(index + 1) * width]))
                }
            }
        }
    }

    private func rowMajorPositions(_ indices: [Int], of indexShape: Shape, count: Int) throws -> [Int] {
        let strides = indexShape.rank == 2 ? shape.strides : [1]
        let extents = indexShape.rank == 2 ? shape.dimensions : [shape.elementCount]
        guard indices.count == count * strides.count else {
            throw ModelError("has \(indices.count) indices for \(count) values of a tensor of \(shape)")
        }
        return try (0..<count).map { value in
            try strides.indices.reduce(0) { position, axis in
                let index = indices[value * strides.count + axis]
                guard 0..<extents[axis] ~= index else { throw ModelError("index \(index) lies outside of \(shape)") }
                return position + index * strides[axis]
            }
        }
    }
}
