import TensorCore

/// Reads `.params` files of every age (src/ndarray/ndarray.cc, NDArray::Load). The file is mapped; tensors are slices.
///
///     u64 0x112 | u64 0 | u64 n | n arrays | u64 k | k × (u64 length, bytes)         k is 0 or n
///
///     V2, V3: u32 magic | i32 storage type | [storage shape] | shape | i32 device kind, i32 index | i32 type
///             | [per auxiliary array: i32 type, shape] | data | [auxiliary data]
///     V1:     u32 magic | shape | device | type | data
///     V0:     u32 dimensions, u32 each | device | type | data
///
/// A shape is an i32 count and as many i64. An array without dimensions ends after its shape, but in V3 it is a scalar.
public struct ParametersReader {
    static let fileMagic: UInt64 = 0x112
    static let magics: [UInt32: MXNetArray.Version] = [0xF993_FAC8: .v1, 0xF993_FAC9: .v2, 0xF993_FACA: .v3]

    private var cursor: ByteCursor

    /// - Throws: `ModelError` that names the file, the byte and the array.
    public static func read(_ path: String) throws -> MXNetParameters {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) { try decode(storage) }
    }

    public static func decode(_ storage: TensorStorage) throws -> MXNetParameters {
        guard !storage.bytes.isEmpty else { throw ModelError("the file is empty") }
        var reader = ParametersReader(cursor: ByteCursor(storage))
        return try reader.file()
    }

    private mutating func file() throws -> MXNetParameters {
        guard cursor.remaining >= 24, try cursor.read(UInt64.self, "the file's magic number") == Self.fileMagic else {
            throw ModelError("is not a .params file: it does not begin with 0x112")
        }
        try cursor.skip(8, "a reserved word")
        // The smallest array takes 4 bytes.
        let count = try cursor.readCount("the number of arrays", limit: cursor.remaining / 4)
        var arrays: [MXNetArray] = []
        for index in 0..<count {
            arrays.append(try locating("array \(index)") { try array() })
        }
        let names = try names(count)
        guard names.isEmpty || names.count == count else {
            throw ModelError("there are \(count) arrays, but \(names.count) names")
        }
        let entries = arrays.enumerated().map { index, array in
            MXNetParameters.Entry(name: names.isEmpty ? "" : names[index], array: array)
        }
        return MXNetParameters(entries: entries, isNamed: !names.isEmpty)
    }

    private mutating func names(_ arrays: Int) throws -> [String] {
        let count = try cursor.readCount("the number of names", limit: cursor.remaining / 8)
        return try (0..<count).map { index in
            try locating("name \(index)") {
                let length = try cursor.readCount("its length", limit: cursor.remaining - 8)
                return try cursor.readString(byteCount: length, "its text")
            }
        }
    }

    private mutating func array() throws -> MXNetArray {
        let word = try cursor.read(UInt32.self, "its magic number")
        guard let version = Self.magics[word] else { return try legacyArray(dimensions: word) }
        if version == .v1 {
            let shape = try shape()
            return shape.rank == 0 ? MXNetArray(.none, version: .v1) : try dense(shape, version)
        }
        let storageType = try cursor.read(Int32.self, "its storage type")
        switch storageType {
        case 0:
            guard let shape = try optionalShape(), shape.rank > 0 || version == .v3 else {
                return MXNetArray(.none, version: version)
            }
            return try dense(shape, version)
        case 1: return try sparse(version, auxiliaries: 1)
        case 2: return try sparse(version, auxiliaries: 2)
        case -1: return MXNetArray(.none, version: version)
        default: throw ModelError("storage type \(storageType) is not known", advice: "the file looks damaged")
        }
    }

    private mutating func legacyArray(dimensions: UInt32) throws -> MXNetArray {
        guard dimensions <= 32 else {
            throw ModelError("0x\(String(dimensions, radix: 16)) is not the beginning of an array", advice: "the file looks damaged")
        }
        guard dimensions > 0 else { return MXNetArray(.none, version: .v0) }
        let shape = try Shape(checking: (0..<dimensions).map { _ in Int(try cursor.read(UInt32.self, "its shape")) })
        return try dense(shape, .v0)
    }

    private mutating func shape() throws -> Shape {
        guard let shape = try optionalShape() else { throw ModelError("its shape is not known") }
        return shape
    }

    /// Nil for a shape of −1 dimensions, which NumPy's shapes call unknown.
    private mutating func optionalShape() throws -> Shape? {
        let rank = try cursor.read(Int32.self, "its number of dimensions")
        if rank == -1 { return nil }
        guard rank >= 0, Int(rank) <= cursor.remaining / 8 else {
            throw ModelError("\(rank) dimensions are claimed, but \(cursor.remaining) bytes remain", at: "byte \(cursor.position)")
        }
        return try Shape(checking: (0..<rank).map { _ in Int(try cursor.read(Int64.self, "its shape")) })
    }

    private mutating func device() throws -> (Int32, Int32) {
        (try cursor.read(Int32.self, "its device"), try cursor.read(Int32.self, "its device's number"))
    }

    private mutating func dense(_ shape: Shape, _ version: MXNetArray.Version) throws -> MXNetArray {
        let device = try device()
        let dataType = try TypeFlag.dataType(cursor.read(Int32.self, "its type"))
        return MXNetArray(.dense(try tensor(dataType, shape)), version: version, device: device)
    }

    private mutating func sparse(_ version: MXNetArray.Version, auxiliaries: Int) throws -> MXNetArray {
        let storageShape = try shape(), shape = try shape()
        guard shape.rank > 0 else { return MXNetArray(.none, version: version) }
        let device = try device()
        let dataType = try TypeFlag.dataType(cursor.read(Int32.self, "its type"))
        var types: [(DataType, Shape)] = []
        for _ in 0..<auxiliaries {
            types.append((try TypeFlag.dataType(cursor.read(Int32.self, "the type of its indices")), try self.shape()))
        }
        let data = try tensor(dataType, storageShape)
        let indices = try types.map { try tensor($0.0, $0.1) }
        let storage: MXNetArray.Storage = auxiliaries == 1
            ? .rowSparse(data: data, indices: indices[0], shape: shape)
            : .compressedRows(data: data, rowPointers: indices[0], columns: indices[1], shape: shape)
        return MXNetArray(storage, version: version, device: device)
    }

    private mutating func tensor(_ dataType: DataType, _ shape: Shape) throws -> Tensor {
        let start = cursor.position
        let tensor = try locating("byte \(start)") {
            try Tensor(dataType: dataType, shape: shape, storage: cursor.storage, byteOffset: start)
        }
        try cursor.skip(tensor.byteCount, "its data")
        return tensor
    }
}
