import TensorCore

/// One array of a `.params` file.
public struct MXNetArray: Sendable, Equatable {
    /// The elements.
    public var storage: Storage
    /// The layout in the file.
    public var version: Version
    /// Where MXNet had it.
    public var device: Device

    /// An array as MXNet 1.x writes it.
    public init(_ storage: Storage, version: Version = .v2, device: Device = .cpu) {
        self.storage = storage
        self.version = version
        self.device = device
    }

    /// A dense array as MXNet 1.9.1 saves it: a scalar, or an array without elements, only exists under NumPy's shapes.
    public init(_ tensor: Tensor) {
        self.init(.dense(tensor), version: tensor.shape.dimensions.contains(0) || tensor.shape.rank == 0 ? .v3 : .v2)
    }

    /// The elements of a dense array; nil for the other kinds.
    public var tensor: Tensor? {
        if case .dense(let tensor) = storage { tensor } else { nil }
    }

    /// The elements, dense or sparse.
    public enum Storage: Sendable, Equatable {
        case dense(Tensor)
        /// `data` are the rows `indices` of an array that is zero elsewhere.
        case rowSparse(data: Tensor, indices: Tensor, shape: Shape)
        /// Row r of a matrix has `data[k]` at column `columns[k]` for k from `rowPointers[r]` until
        /// `rowPointers[r + 1]`, and is zero elsewhere.
        case compressedRows(data: Tensor, rowPointers: Tensor, columns: Tensor, shape: Shape)
        /// An array that never got a shape.
        case none
    }

    /// The layouts of an array, oldest first; `ParametersReader` describes them.
    public enum Version: Sendable, Hashable {
        /// Until 0.11: 32-bit extents.
        case v0
        /// 0.11 and 0.12.
        case v1
        /// 1.0 to 1.9: sparse arrays.
        case v2
        /// NumPy's shapes: scalars and extents of 0. MXNet 1.9.1 reads it only within `np_shape`, 2.0 always writes it.
        case v3
    }

    /// Where the array was when it was saved. MXNet loads it there again if it can.
    public struct Device: Sendable, Hashable {
        /// 1 CPU, 2 GPU, 3 pinned memory, 5 shared memory.
        public var kind: Int32
        /// The number of the device.
        public var index: Int32

        /// A device by MXNet's numbers.
        public init(kind: Int32, index: Int32) {
            self.kind = kind
            self.index = index
        }

        /// Where everything of ours is.
        public static let cpu = Device(kind: 1, index: 0)
    }
}
