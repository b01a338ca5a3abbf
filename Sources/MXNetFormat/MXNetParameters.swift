import OrderedCollections
import TensorCore

/// A `.params` file: arrays in the order of the file, named or not.
public struct MXNetParameters: Sendable {
    public var entries: [Entry]
    /// False for a list that was saved without names; the names are then empty.
    public var isNamed: Bool

    public struct Entry: Sendable {
        /// `arg:conv0_weight`, `aux:bn0_moving_mean`, or whatever was given to `nd.save`.
        public var name: String
        public var array: MXNetArray

        public init(name: String, array: MXNetArray) {
            self.name = name
            self.array = array
        }
    }

    public init(entries: [Entry] = [], isNamed: Bool = true) {
        self.entries = entries
        self.isNamed = isNamed
    }

    /// `arg` and `aux` as save_checkpoint and export write them; other names have neither.
    public enum Kind: String, Sendable { case argument = "arg:", auxiliary = "aux:" }

    /// The kind and the bare name of an entry.
    public static func split(_ name: String) -> (kind: Kind?, name: String) {
        for kind in [Kind.argument, .auxiliary] where name.hasPrefix(kind.rawValue) {
            return (kind, String(name.dropFirst(kind.rawValue.count)))
        }
        return (nil, name)
    }
}

/// One array of a `.params` file.
public struct MXNetArray: Sendable {
    public enum Storage: Sendable {
        case dense(Tensor)
        /// Rows `indices` of a tensor that is zero elsewhere.
        case rowSparse(data: Tensor, indices: Tensor, shape: Shape)
        /// Compressed sparse rows.
        case compressedRows(data: Tensor, rowPointers: Tensor, columns: Tensor, shape: Shape)
        /// An array that was never given a shape.
        case none
    }

    /// How the array is written, by the age of the MXNet that wrote it.
    public enum Version: Sendable, Hashable {
        /// Up to 0.9; the first word is the number of dimensions.
        case v0
        /// 0.11.
        case v1
        /// 1.0 to 1.9.
        case v2
        /// With NumPy's shapes (np_shape): scalars and empty arrays.
        case v3
    }

    public var storage: Storage
    public var version: Version
    /// Where the array lived: 1 CPU, 2 GPU, 3 pinned, 5 shared; and the number of the device.
    public var device: (kind: Int32, index: Int32)

    public init(_ storage: Storage, version: Version = .v2, device: (kind: Int32, index: Int32) = (1, 0)) {
        self.storage = storage
        self.version = version
        self.device = device
    }

    public init(_ tensor: Tensor) { self.init(.dense(tensor)) }

    public var tensor: Tensor? {
        if case .dense(let tensor) = storage { tensor } else { nil }
    }
}

/// MXNet's type flags (3rdparty/mshadow/mshadow/base.h).
enum TypeFlag {
    private static let types: [DataType] = [
        .float32, .float64, .float16, .uint8, .int32, .int8, .int64, .bool, .int16, .uint16, .uint32, .uint64, .bfloat16,
    ]

    static func dataType(_ flag: Int32) throws -> DataType {
        guard types.indices.contains(Int(flag)) else {
            throw ModelError("type flag \(flag) is not known", advice: "the file looks damaged")
        }
        return types[Int(flag)]
    }

    static func flag(_ dataType: DataType) -> Int32 { Int32(types.firstIndex(of: dataType) ?? 0) }
}
