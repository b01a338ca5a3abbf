import TensorCore

/// A `.params` file: arrays in the order of the file, named or not.
public struct MXNetParameters: Sendable, Equatable {
    /// In the order of the file.
    public var entries: [Entry]
    /// False for a list that was saved without names; the names are then empty.
    public var isNamed: Bool

    /// One array.
    public struct Entry: Sendable, Equatable {
        /// `arg:conv0_weight`, `aux:bn0_moving_mean`, or whatever was given to `nd.save`.
        public var name: String
        /// What it holds.
        public var array: MXNetArray

        /// An array by its name in the file: `arg:conv0_weight`.
        public init(name: String, array: MXNetArray) {
            self.name = name
            self.array = array
        }
    }

    /// A file in memory.
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

    /// The array of a full name, such as `arg:conv0_weight`. Searches the entries one by one.
    public subscript(name: String) -> MXNetArray? { isNamed ? entries.first { $0.name == name }?.array : nil }

    /// A parameter that is trained, by its name in the symbol.
    public func argument(_ name: String) -> MXNetArray? { self[Kind.argument.rawValue + name] }
    /// A state such as a running mean, by its name in the symbol.
    public func auxiliary(_ name: String) -> MXNetArray? { self[Kind.auxiliary.rawValue + name] }
}
