import MXNetFormat
import TensorCore

/// What a file of arrays holds, as its headers tell it: a `.params`, `.npz` or `.npy`. No element is read.
public struct ArrayFileSummary: Sendable, Codable {
    /// One array.
    public struct Row: Sendable, Codable {
        /// Without `arg:` or `aux:`; empty in a list that was saved without names.
        public var name: String
        /// `arg` or `aux`; nil for a name that says neither.
        public var kind: String?
        /// The type of its elements: `float32`.
        public var type: String
        /// Nil for an array that never got one.
        public var shape: [Int]?
        /// How its elements are kept.
        public var storage: Storage
        /// What it takes in the file.
        public var bytes: Int
        /// Why the array cannot be read, if that is so.
        public var problem: String?
    }

    /// How the elements of an array are kept; the sparse kinds are those of MXNet.
    public enum Storage: String, Sendable, Codable {
        case dense, none
        case rowSparse = "row-sparse"
        case compressedRows = "compressed rows"
    }

    /// The file's name without its folder.
    public var name: String
    /// `MXNet parameters`, `NumPy archive` or `NumPy array`.
    public var format: String
    /// Which MXNet wrote it, as far as the layout of the arrays tells.
    public var age: String?
    /// What the names are, and what that means for whoever wants to use them; nil if there is nothing to say.
    public var naming: String?
    /// In the order of the file.
    public var arrays: [Row]

    /// Elements of all arrays, zeros that sparse ones leave out included.
    public var elements: Int { arrays.reduce(0) { $0 + ($1.shape.map { Shape($0).elementCount } ?? 0) } }
    /// What all arrays take in the file.
    public var bytes: Int { arrays.reduce(0) { $0 + $1.bytes } }

    /// - Throws: `ModelError` if the file is damaged.
    public init(reading path: String, kind: FileKind) throws {
        name = path.fileName
        switch kind {
        case .archive:
            let archive = try NumPyArchive(path)
            let layouts = ParameterArchive.layouts(in: archive)
            arrays = layouts.map { Self.row($0, $1, in: archive) }
            let names = layouts.map(\.name)
            format = "NumPy archive"
            naming = MXNetParameters.naming(names)
            // Only MXNet makes these, and before 2.0 it made no archives.
            if naming != nil || layouts.contains(where: { $0.layout == .rowSparse }) {
                (format, age) = ("MXNet parameters in a NumPy archive", "MXNet 2.0")
            }
        case .array:
            format = "NumPy array"
            arrays = [Row(name, try NumPyFile.type(path))]
            arrays[0].name = ""
        default:
            let file = try ParametersReader.read(path)
            format = "MXNet parameters"
            age = file.age
            naming = file.naming
            arrays = file.entries.map(Row.init)
        }
    }

    /// An array of a type that nothing stands for, such as text, does not hide the others.
    private static func row(_ name: String, _ layout: ParameterArchive.Layout, in archive: NumPyArchive) -> Row {
        do {
            guard layout != .dense else { return Row(name, try archive.type(named: name)) }
            let parts = try ["data", "indices", "indptr"].map { "\(name)/\($0)" }.filter(archive.contains)
                .map { try archive.type(named: $0) }
            var row = Row(name, TensorType(parts[0].dataType, try ParameterArchive.sparseShape(name, in: archive)))
            row.storage = layout == .rowSparse ? .rowSparse : .compressedRows
            row.bytes = parts.reduce(0) { $0 + $1.byteCount }
            return row
        } catch {
            var row = Row(name, TensorType(.uint8, []))
            (row.type, row.shape, row.bytes, row.problem) = ("unknown", nil, 0, "\(error)")
            return row
        }
    }
}

extension ArrayFileSummary.Row {
    fileprivate init(_ name: String, _ type: TensorType) {
        let (kind, name) = MXNetParameters.split(name)
        self.init(
            name: name, kind: kind?.word, type: type.dataType.description, shape: type.shape.dimensions,
            storage: .dense, bytes: type.byteCount)
    }

    fileprivate init(_ entry: MXNetParameters.Entry) {
        switch entry.array.storage {
        case .dense(let tensor): self.init(entry.name, tensor.type)
        case .rowSparse(let data, let indices, let shape):
            self.init(entry.name, TensorType(data.dataType, shape))
            (storage, bytes) = (.rowSparse, data.byteCount + indices.byteCount)
        case .compressedRows(let data, let rowPointers, let columns, let shape):
            self.init(entry.name, TensorType(data.dataType, shape))
            (storage, bytes) = (.compressedRows, data.byteCount + rowPointers.byteCount + columns.byteCount)
        case .none:
            self.init(entry.name, TensorType(.float32, []))
            (storage, type, shape, bytes) = (.none, "none", nil, 0)
        }
    }
}

extension MXNetParameters.Kind {
    fileprivate var word: String {
        switch self {
        case .argument: "arg"
        case .auxiliary: "aux"
        }
    }
}

extension MXNetParameters {
    /// Which MXNet wrote the file: the newest layout of its arrays decides, since a new MXNet writes no old ones.
    var age: String? {
        let versions = Set(entries.map(\.array.version))
        let ages: [(MXNetArray.Version, String)] = [
            (.v3, "MXNet 2.0, or an older one under NumPy's shapes"), (.v2, "MXNet 1.0 to 1.9"),
            (.v1, "MXNet 0.11 or 0.12"), (.v0, "MXNet before 0.11"),
        ]
        return ages.first { versions.contains($0.0) }?.1
    }

    var naming: String? {
        guard isNamed || entries.isEmpty else {
            return "a list without names; a symbol cannot find its parameters in it"
        }
        return Self.naming(entries.map(\.name))
    }

    /// What the names say of who saved the file.
    static func naming(_ names: [String]) -> String? {
        if names.isEmpty { return nil }
        if names.allSatisfy({ split($0).kind != nil }) { return "a checkpoint: arguments and auxiliary states of a symbol" }
        return areStructural(names)
            ? "saved by Gluon's save_parameters: named after the blocks; export() writes a symbol and the names it uses"
            : nil
    }

    /// Whether the names are paths through Gluon's blocks, as in `features.0.weight`.
    static func areStructural(_ names: [String]) -> Bool {
        !names.isEmpty && names.allSatisfy { name in
            let parts = name.split(separator: ".")
            return parts.count > 1 && ["weight", "bias", "gamma", "beta", "running_mean", "running_var"].contains(parts.last)
        }
    }
}

/// Statistics of the arrays of a file, for `--weights`.
extension WeightRow {
    /// - Throws: `ModelError` if the file is damaged or a sparse array in it is.
    public static func rows(of path: String, kind: FileKind) throws -> [WeightRow] {
        if kind == .array { return [WeightRow(path.fileName, try NumPyFile.read(path), grid: nil)] }
        return try MXNetParameters(reading: path).entries.compactMap { entry in
            if case .none = entry.array.storage { return nil }
            return try locating(path) {
                try locating("array '\(entry.name)'") { WeightRow(entry.name, try entry.array.densified(), grid: nil) }
            }
        }
    }
}
