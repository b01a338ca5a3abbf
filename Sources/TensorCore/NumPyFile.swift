/// Arrays in NumPy's own file format, `.npy`.
///
///     0x93 "NUMPY" | u8 major | u8 minor | header length: u16 (1.0) or u32 (2.0, 3.0) | header | elements
///
/// The header is described at `NumPyHeader`. Source: NumPy documentation, "numpy.lib.format", sections "Format Version
/// 1.0" to "3.0".
public enum NumPyFile {
    /// The array in the file at `path`: a view of the mapped file if its elements lie there as a `Tensor` has them
    /// (little-endian, C order), else a rearranged copy. Bytes after the last element are ignored, as NumPy does.
    /// - Throws: `ModelError` if the file is truncated, or its elements are of a type that no `DataType` stands for.
    public static func read(_ path: String) throws -> Tensor {
        try locating(path) {
            let storage = try TensorStorage(mapping: path)
            return try read(storage, from: 0, to: storage.bytes.count)
        }
    }

    /// Writes format 1.0, little-endian, C order. NumPy has no bfloat16: such a tensor is written as float32.
    /// - Throws: `ModelError` if the file cannot be written.
    public static func write(_ tensor: Tensor, to path: String) throws {
        try FileOutput.write(to: path) { file in
            let tensor = storable(tensor)
            try file.write(prefix(of: tensor.type))
            try file.write(tensor)
        }
    }

    /// What the file at `path` says of its array; the elements are not touched.
    public static func type(_ path: String) throws -> TensorType {
        try locating(path) {
            let storage = try TensorStorage(mapping: path)
            return try readHeader(storage, from: 0, to: storage.bytes.count).header.type
        }
    }

    /// An array whose file is the bytes `start..<end` of `storage`.
    static func read(_ storage: TensorStorage, from start: Int, to end: Int) throws -> Tensor {
        let (header, position) = try readHeader(storage, from: start, to: end)
        let shape = header.type.shape, width = header.type.dataType.byteWidth, remaining = end - position
        guard shape.elementCount <= remaining / width else {
            throw ModelError(
                "\(header.type) needs \(shape.elementCount) × \(width) bytes, but \(remaining) bytes remain",
                advice: "the file looks truncated")
        }
        let stored = try Tensor(
            dataType: header.type.dataType, shape: shape, storage: storage, byteOffset: position)
        return header.rearranged(stored)
    }

    /// The header of such an array, and where its elements begin.
    static func readHeader(
        _ storage: TensorStorage, from start: Int, to end: Int
    ) throws -> (header: NumPyHeader, position: Int) {
        var cursor = ByteCursor(storage, from: start, to: end)
        for byte in magic {
            guard cursor.remaining > 0, try cursor.read(UInt8.self, "magic") == byte else {
                throw ModelError("is not a NumPy array: it does not begin with \\x93NUMPY")
            }
        }
        let major = try cursor.read(UInt8.self, "format version"), minor = try cursor.read(UInt8.self, "format version")
        guard (1...3).contains(major), minor == 0 else {
            throw ModelError("has NumPy format version \(major).\(minor); 1.0, 2.0 and 3.0 are known")
        }
        let length = try major == 1
            ? Int(cursor.read(UInt16.self, "header length")) : Int(cursor.read(UInt32.self, "header length"))
        let header = try locating("NumPy header") {
            try NumPyHeader(parsing: cursor.readString(byteCount: length, "header"))
        }
        return (header, cursor.position)
    }

    /// Everything that comes before the elements; a multiple of 64 bytes, so that mapped elements are aligned.
    static func prefix(of type: TensorType) -> [UInt8] {
        let text = NumPyHeader(type).text
        let padding = 63 - (magic.count + 4 + text.utf8.count) % 64
        let header = Array(text.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0A]
        return magic + [1, 0, UInt8(header.count & 0xFF), UInt8(header.count >> 8)] + header
    }

    /// The tensor in a type that NumPy has.
    static func storable(_ tensor: Tensor) -> Tensor {
        tensor.dataType == .bfloat16 ? tensor.asFloat32() : tensor
    }

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
}
