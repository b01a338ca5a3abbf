import TensorCore

/// Reads `.params` files, which `nd.save`, `save_checkpoint` and `save_parameters` write. Numbers are little-endian:
///
///     u64 0x112 | u64 0 | u64 n | n arrays | u64 k | k × (u64 length, bytes)           k is n, or 0 without names
///
/// An array begins with a u32 that tells its layout; `[…]` is there for sparse arrays only:
///
///     0xF993FAC9 (v2)  i32 storage | [storage shape] | shape | device | i32 type | [per index: i32 type, shape]
///                      | elements | [indices]
///     0xF993FACA (v3)  the same, never sparse, under NumPy's shapes
///     0xF993FAC8 (v1)  shape | device | i32 type | elements
///     other (v0)       the word is the rank: rank × u32 | device | i32 type | elements
///
/// storage: 0 dense, 1 row-sparse (index: rows), 2 compressed rows (indices: row pointers, columns).
/// shape: i32 rank, rank × i64. device: i32 type, i32 index. An array without a shape ends after it: one of rank 0, or
/// of −1 in v3. Source: src/ndarray/ndarray.cc of MXNet 1.9.1.
public enum ParametersReader {
    /// The file's arrays; their elements stay in the mapping.
    /// - Throws: `ModelError` naming the array and the byte where the file is not what it should be.
    public static func read(_ path: String) throws -> MXNetParameters {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) { try decode(storage) }
    }

    /// Reads the bytes of a file.
    /// - Throws: `ModelError` that names the byte.
    public static func decode(_ storage: TensorStorage) throws -> MXNetParameters {
        guard !storage.bytes.isEmpty else { throw ModelError("the file is empty") }
        guard recognizes(storage) else { throw notParameters(storage) }
        var cursor = ByteCursor(storage, from: 16)
        let count = try cursor.readCount("the number of arrays", limit: countLimit(storage.bytes.count))
        var arrays: [MXNetArray] = []
        var keptFrom = 0
        for index in 0..<count {
            arrays.append(try locating("array \(index + 1) of \(count)") { try cursor.readArray() })
            // The system brings in more than the header: elements that perhaps nobody will look at.
            if cursor.position - keptFrom > keptBytes {
                storage.letGo(of: keptFrom..<cursor.position)
                keptFrom = cursor.position
            }
        }
        let names = try readNames(&cursor)
        guard cursor.remaining == 0 else {
            throw ModelError(
                "\(cursor.remaining) bytes follow the end", at: "byte \(cursor.position)",
                advice: "the file looks damaged")
        }
        return try named(arrays, names)
    }

    /// Whether the bytes begin as a `.params` file does.
    public static func recognizes(_ storage: TensorStorage) -> Bool {
        storage.bytes.count >= 24 && storage.bytes.loadUnaligned(as: UInt64.self).littleEndian == listMagic
    }

    /// So much of the mapped file stays in memory while its headers are read.
    private static let keptBytes = 1 << 20

    static let listMagic: UInt64 = 0x112
    static let v1Magic: UInt32 = 0xF993_FAC8, v2Magic: UInt32 = 0xF993_FAC9, v3Magic: UInt32 = 0xF993_FACA
    /// MXNet allows 32 axes; more in a file are damage.
    static let rankLimit = 32
    /// An array without a shape takes 4 bytes in a file and 300 in memory. Of those that have one, real networks have
    /// some thousands, of 80 bytes and more with their names.
    private static func countLimit(_ byteCount: Int) -> Int { min(1 << 17 + byteCount / 80, (byteCount - 24) / 4) }

    private static func readNames(_ cursor: inout ByteCursor) throws -> [String] {
        let count = try cursor.readCount("the number of names", limit: (cursor.remaining - 8) / 8)
        return try (0..<count).map { index in
            try locating("name \(index + 1) of \(count)") {
                let length = try cursor.readCount("the length of the name", limit: cursor.remaining - 8)
                return try cursor.readString(byteCount: length, "the name")
            }
        }
    }

    private static func named(_ arrays: [MXNetArray], _ names: [String]) throws -> MXNetParameters {
        guard names.count == arrays.count || names.isEmpty else {
            throw ModelError("there are \(arrays.count) arrays, but \(names.count) names")
        }
        var known = Set<String>()
        for name in names where !known.insert(name).inserted {
            throw ModelError("two arrays are called '\(name)'")
        }
        let entries = arrays.enumerated().map { index, array in
            MXNetParameters.Entry(name: names.isEmpty ? "" : names[index], array: array)
        }
        return MXNetParameters(entries: entries, isNamed: !names.isEmpty)
    }

    private static func notParameters(_ storage: TensorStorage) -> ModelError {
        let start = storage.bytes.first { !" \n\r\t".utf8.contains($0) }
        if start == UInt8(ascii: "{") {
            return ModelError(
                "this is JSON; a .params file was expected", advice: "a -symbol.json file holds the graph, no arrays")
        }
        return ModelError(
            storage.bytes.count < 24 ? "\(storage.bytes.count) bytes are too few for a .params file"
                : "this is no .params file: it does not begin with 0x112", at: "byte 0")
    }
}

// MARK: - Arrays

extension ByteCursor {
    fileprivate mutating func readArray() throws -> MXNetArray {
        switch try read(UInt32.self, "the array's layout") {
        case ParametersReader.v1Magic: try readDense(.v1, shape: readDimensions())
        case ParametersReader.v2Magic: try readV2()
        case ParametersReader.v3Magic: try readV3()
        case let rank: try readDense(.v0, shape: readDimensions(narrow: rank))
        }
    }

    private mutating func readV2() throws -> MXNetArray {
        let start = position
        switch try read(Int32.self, "the storage type") {
        case 0: return try readDense(.v2, shape: readDimensions())
        case 1:
            return try readSparse(indexCount: 1) { data, indices, shape in
                .rowSparse(data: data, indices: indices[0], shape: shape)
            }
        case 2:
            return try readSparse(indexCount: 2) { data, indices, shape in
                .compressedRows(data: data, rowPointers: indices[0], columns: indices[1], shape: shape)
            }
        case let storage: throw unknownStorage(storage, at: start)
        }
    }

    private mutating func readV3() throws -> MXNetArray {
        let start = position
        let storage = try read(Int32.self, "the storage type")
        guard storage == 0 else { throw unknownStorage(storage, at: start) }
        guard let dimensions = try readDimensions() else { return MXNetArray(.none, version: .v3) }
        let device = try readDevice(), type = try readType()
        return MXNetArray(.dense(try readTensor(type, dimensions)), version: .v3, device: device)
    }

    /// - Parameter dimensions: Rank 0 means that the array has no shape.
    private mutating func readDense(_ version: MXNetArray.Version, shape dimensions: [Int]?) throws -> MXNetArray {
        guard let dimensions, !dimensions.isEmpty else { return MXNetArray(.none, version: version) }
        let device = try readDevice(), type = try readType()
        return MXNetArray(.dense(try readTensor(type, dimensions)), version: version, device: device)
    }

    private mutating func readSparse(
        indexCount: Int, _ storage: (Tensor, [Tensor], Shape) -> MXNetArray.Storage
    ) throws -> MXNetArray {
        let stored = try readDimensions() ?? []
        guard let dimensions = try readDimensions(), !dimensions.isEmpty else {
            throw ModelError("a sparse array has no shape", at: "byte \(position)")
        }
        let shape = try Shape(checking: dimensions)
        let device = try readDevice(), type = try readType()
        let indexTypes = try (0..<indexCount).map { _ in (try readType(), try readDimensions() ?? []) }
        let values = try readTensor(type, stored)
        let indices = try indexTypes.map { try readTensor($0, $1) }
        return MXNetArray(storage(values, indices, shape), version: .v2, device: device)
    }

    /// The next elements, where they lie.
    private mutating func readTensor(_ type: DataType, _ dimensions: [Int]) throws -> Tensor {
        let shape = try locating("byte \(position)") { try Shape(checking: dimensions) }
        guard shape.elementCount <= remaining / type.byteWidth else {
            throw ModelError(
                "\(shape.elementCount) \(type) values of shape (\(dimensions.commaSeparated)) are claimed, but "
                    + "\(remaining) bytes remain", at: "byte \(position)", advice: "the file looks truncated")
        }
        let start = try skip(shape.elementCount * type.byteWidth, "the elements")
        return try Tensor(dataType: type, shape: shape, storage: storage, byteOffset: start)
    }

    /// `i32 rank, rank × i64`; nil for rank −1.
    private mutating func readDimensions() throws -> [Int]? {
        let start = position
        let rank = try read(Int32.self, "the rank")
        guard rank != -1 else { return nil }
        try checkRank(Int(rank), at: start)
        return try (0..<rank).map { _ in Int(try read(Int64.self, "the shape")) }
    }

    /// The extents of an array that began with its rank.
    private mutating func readDimensions(narrow rank: UInt32) throws -> [Int] {
        try checkRank(Int(rank), at: position - 4)
        return try (0..<rank).map { _ in Int(try read(UInt32.self, "the shape")) }
    }

    private func checkRank(_ rank: Int, at start: Int) throws {
        guard (0...ParametersReader.rankLimit).contains(rank) else {
            throw ModelError(
                "\(rank) is neither the mark of an array nor a rank", at: "byte \(start)",
                advice: "the file looks damaged")
        }
    }

    private mutating func readDevice() throws -> MXNetArray.Device {
        let kind = try read(Int32.self, "the device")
        return .init(kind: kind, index: try read(Int32.self, "the device"))
    }

    private mutating func readType() throws -> DataType {
        let start = position
        let flag = try read(Int32.self, "the element type")
        guard let type = DataType(mxnetTypeFlag: Int(flag)) else {
            throw ModelError("element type \(flag) is not known; expected 0 to 12", at: "byte \(start)")
        }
        return type
    }

    private func unknownStorage(_ storage: Int32, at start: Int) -> ModelError {
        storage == -1
            ? ModelError(
                "the array was never defined; MXNet stops writing there", at: "byte \(start)",
                advice: "save the file again without it")
            : ModelError("storage type \(storage) is not known; expected 0, 1 or 2", at: "byte \(start)")
    }
}
