import TensorCore

/// Reads the NumPy archives in which MXNet 2.0's `savez`, `save_parameters` and `export` store arrays; the last two call
/// them `.params`, too. Names are bare, or begin with `arg:` and `aux:` as in the older files. A sparse array `w` is a
/// folder, as SciPy's `save_npz` names its members:
///
///     w/data    values
///     w/indices rows (row-sparse), or columns (compressed rows)
///     w/indptr  row pointers (compressed rows only)
///     w/shape   int64 extents
///     w/format  text, which is not needed: whether there are row pointers says the same
///
/// Source: src/serialization/cnpy.cc of MXNet 2.0.
public enum ParameterArchive {
    /// - Throws: `ModelError` that names the array.
    public static func read(_ path: String) throws -> MXNetParameters {
        let archive = try NumPyArchive(path)
        return MXNetParameters(
            entries: try layouts(in: archive).map { name, layout in
                .init(name: name, array: try locating(path) { try array(name, layout, in: archive) })
            })
    }

    /// Whether the bytes begin as a ZIP file does.
    public static func recognizes(_ storage: TensorStorage) -> Bool {
        // The second signature is that of a ZIP file without members.
        storage.bytes.starts(with: Array("PK\u{3}\u{4}".utf8)) || storage.bytes.starts(with: Array("PK\u{5}\u{6}".utf8))
    }

    /// How an array is stored.
    public enum Layout: Sendable { case dense, rowSparse, compressedRows }

    /// The arrays of an archive, in the order of the file.
    public static func layouts(in archive: NumPyArchive) -> [(name: String, layout: Layout)] {
        var done = Set<String>()
        return archive.names.compactMap { member in
            let folder = sparseFolder(of: member, in: archive)
            guard done.insert(folder ?? member).inserted else { return nil }
            guard let folder else { return (member, .dense) }
            return (folder, archive.contains(folder + "/indptr") ? .compressedRows : .rowSparse)
        }
    }

    /// The shape of a sparse array with its zeros.
    public static func sparseShape(_ name: String, in archive: NumPyArchive) throws -> Shape {
        let extents = try archive.tensor(named: name + "/shape")
        guard extents.dataType == .int64, extents.shape.rank == 1 else {
            throw ModelError("its shape is stored as \(extents.type); expected int64 of one axis", at: "array '\(name)'")
        }
        return try Shape(checking: extents.elements(as: Int64.self).map { Int($0) })
    }

    private static func array(_ name: String, _ layout: Layout, in archive: NumPyArchive) throws -> MXNetArray {
        func part(_ what: String) throws -> Tensor { try archive.tensor(named: "\(name)/\(what)") }
        switch layout {
        case .dense: return MXNetArray(try archive.tensor(named: name))
        case .rowSparse:
            let shape = try sparseShape(name, in: archive)
            return MXNetArray(.rowSparse(data: try part("data"), indices: try part("indices"), shape: shape))
        case .compressedRows:
            let shape = try sparseShape(name, in: archive)
            return MXNetArray(
                .compressedRows(
                    data: try part("data"), rowPointers: try part("indptr"), columns: try part("indices"), shape: shape))
        }
    }

    /// `w` of `w/data` and its like, if all that a sparse array needs is there.
    private static func sparseFolder(of member: String, in archive: NumPyArchive) -> String? {
        guard let slash = member.lastIndex(of: "/"),
            ["data", "indices", "indptr", "shape", "format"].contains(member[member.index(after: slash)...])
        else { return nil }
        let folder = String(member[..<slash])
        return ["data", "indices", "shape"].allSatisfy { archive.contains("\(folder)/\($0)") } ? folder : nil
    }
}

extension MXNetParameters {
    /// The arrays of a `.params` or an `.npz` file; which of the two it is, its first bytes say.
    public init(reading path: String) throws {
        let isArchive = ParameterArchive.recognizes(try TensorStorage(mapping: path))
        self = try isArchive ? ParameterArchive.read(path) : ParametersReader.read(path)
    }
}
