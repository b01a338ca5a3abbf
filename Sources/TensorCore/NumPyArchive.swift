/// Several arrays by name in one file, `.npz`: a ZIP file whose members are `.npy` files.
///
/// Source: NumPy documentation, `numpy.savez` and `numpy.savez_compressed`.
public struct NumPyArchive: Sendable {
    /// The arrays' names, without `.npy`, in file order.
    public let names: [String]
    private let path: String
    private let zip: ZipReader
    private let members: [String: ZipReader.Member]

    /// Opens the archive; arrays are read when they are asked for. Members that are no `.npy` are passed over.
    /// - Throws: `ModelError` if the file is no ZIP file or its directory is damaged.
    public init(_ path: String) throws {
        self.path = path
        let zip = try locating(path) { try ZipReader(TensorStorage(mapping: path)) }
        var names: [String] = [], members: [String: ZipReader.Member] = [:]
        for member in zip.members where member.name.hasSuffix(Self.suffix) {
            let name = String(member.name.dropLast(Self.suffix.count))
            guard members.updateValue(member, forKey: name) == nil else {
                throw ModelError("two arrays are named '\(name)'", at: path)
            }
            names.append(name)
        }
        self.zip = zip
        self.names = names
        self.members = members
    }

    /// Whether there is an array of that name.
    public func contains(_ name: String) -> Bool { members[name] != nil }

    /// The array of that name: a view of the mapped file if it is stored without compression.
    /// - Throws: `ModelError` if there is none, or it is damaged or of a type that no `DataType` stands for.
    public func tensor(named name: String) throws -> Tensor {
        try withMember(name) { member in
            let (storage, range) = try zip.contents(of: member)
            return try NumPyFile.read(storage, from: range.lowerBound, to: range.upperBound)
        }
    }

    /// What the file says of the array of that name; its elements are neither touched nor unpacked.
    public func type(named name: String) throws -> TensorType {
        try withMember(name) { member in
            let (storage, range) = try zip.beginning(of: member, limit: 1 << 16)
            return try NumPyFile.readHeader(storage, from: range.lowerBound, to: range.upperBound).header.type
        }
    }

    private func withMember<Result>(_ name: String, _ body: (ZipReader.Member) throws -> Result) throws -> Result {
        guard let member = members[name] else {
            let near = nearestNames(to: name, among: names)
            throw ModelError(
                "has no array '\(name)'", at: path,
                advice: near.isEmpty ? "it has \(names.commaSeparated)" : "did you mean \(near.commaSeparated)?")
        }
        return try locating(path) { try locating("array '\(name)'") { try body(member) } }
    }

    /// Writes the arrays in the given order, for `numpy.load`. bfloat16 becomes float32, as in `NumPyFile`.
    /// - Parameters:
    ///   - arrays: by name, in the order in which they are written.
    ///   - path: the `.npz` file.
    ///   - compressed: as `numpy.savez_compressed` does it.
    /// - Throws: `ModelError` if two have the same name, or the file cannot be written.
    public static func write(
        _ arrays: [(name: String, tensor: Tensor)], to path: String, compressed: Bool = false
    ) throws {
        try write(to: path, compressed: compressed) { archive in
            for (name, tensor) in arrays { try archive.add(name, tensor) }
        }
    }

    /// Writes the arrays that `body` adds, one at a time; none of them is kept in memory.
    public static func write(
        to path: String, compressed: Bool = false, _ body: (NumPyArchiveWriter) throws -> Void
    ) throws {
        try FileOutput.write(to: path) { file in
            let writer = NumPyArchiveWriter(ZipWriter(file, compressed: compressed))
            try locating(path) { try body(writer) }
            try writer.zip.finish()
        }
    }

    fileprivate static let suffix = ".npy"
}

/// A `.npz` file that is being written; see `NumPyArchive.write(to:compressed:_:)`.
public final class NumPyArchiveWriter {
    fileprivate let zip: ZipWriter
    private var names: Set<String> = []

    fileprivate init(_ zip: ZipWriter) { self.zip = zip }

    /// - Throws: `ModelError` if the name is taken, or the file cannot be written.
    public func add(_ name: String, _ tensor: Tensor) throws {
        guard names.insert(name).inserted else { throw ModelError("two arrays are named '\(name)'") }
        let tensor = NumPyFile.storable(tensor)
        try NumPyFile.prefix(of: tensor.type).withUnsafeBytes { prefix in
            try tensor.withBytes { elements in try zip.add(name + NumPyArchive.suffix, [prefix, elements]) }
        }
    }
}
