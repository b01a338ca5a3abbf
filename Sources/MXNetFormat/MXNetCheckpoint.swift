import Foundation
import TensorCore

/// A model as MXNet saves it: a symbol and its parameters.
public struct MXNetCheckpoint: Sendable, Equatable {
    /// The graph.
    public var symbol: MXNetSymbol
    /// Nil where only the symbol is there.
    public var parameters: MXNetParameters?

    /// A checkpoint in memory.
    public init(symbol: MXNetSymbol, parameters: MXNetParameters?) {
        self.symbol = symbol
        self.parameters = parameters
    }

    /// Reads both files; arrays stay in the mapped file.
    /// - Throws: `ModelError` if one of them is damaged.
    public init(_ paths: CheckpointPaths) throws {
        symbol = try SymbolReader.read(paths.symbol)
        parameters = try paths.parameters.map { try MXNetParameters(reading: $0) }
    }

    /// Writes both files or neither; a checkpoint that was there before is replaced as a whole.
    public func write(to paths: CheckpointPaths) throws {
        try FileOutput.together {
            if let parameters, let path = paths.parameters { try ParametersWriter.write(parameters, to: path) }
            try SymbolWriter.write(symbol, to: paths.symbol)
        }
    }
}

/// The two files of a checkpoint: `PREFIX-symbol.json` and `PREFIX-NNNN.params`; instead of the latter MXNet 2.0 may
/// have written `PREFIX-NNNN.npz` or `PREFIX.npz`.
public struct CheckpointPaths: Sendable, Equatable {
    /// What the name of a symbol ends in.
    public static let symbolSuffix = "-symbol.json"

    /// `PREFIX-symbol.json`
    public var symbol: String
    /// `PREFIX-NNNN.params`; nil if there are none.
    public var parameters: String?

    /// Any two paths.
    public init(symbol: String, parameters: String?) {
        self.symbol = symbol
        self.parameters = parameters
    }

    /// Where a checkpoint named `name` (a prefix, or the symbol's path) is written.
    public init(writing name: String, epoch: Int = 0) {
        let prefix = Self.prefix(of: name)
        symbol = prefix + Self.symbolSuffix
        parameters = "\(prefix)-\(String(format: "%04d", epoch)).params"
    }

    /// The files of an existing checkpoint.
    /// - Parameters:
    ///   - name: `PREFIX-symbol.json` or `PREFIX`.
    ///   - epoch: Which `.params` to take; by default the newest, or an `.npz` if there is none.
    ///   - parameters: A `.params` or `.npz` file of any name instead.
    /// - Throws: `ModelError` if the symbol or the epoch that was asked for is not there.
    public init(reading name: String, epoch: Int? = nil, parameters: String? = nil) throws {
        let prefix = Self.prefix(of: name)
        symbol = name.hasSuffix(".json") ? name : prefix + Self.symbolSuffix
        guard FileManager.default.fileExists(atPath: symbol) else {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: name, isDirectory: &isFolder), !isFolder.boolValue {
                throw Self.noModel(name)
            }
            let near = nearestNames(to: symbol, among: Self.symbols(beside: symbol))
            throw ModelError(
                "there is no such file", at: symbol,
                advice: near.isEmpty
                    ? "a model is PREFIX-symbol.json, PREFIX, or a file that ends in .onnx"
                    : "did you mean \(near.joined(separator: " or "))?")
        }
        if let parameters {
            self.parameters = parameters
            return
        }
        let stored = Self.epochs(of: prefix, ".params")
        let epochs = stored.isEmpty ? Self.epochs(of: prefix, ".npz") : stored
        if let epoch {
            guard let path = epochs[epoch] else {
                throw ModelError(
                    "there is no epoch \(epoch)", at: prefix,
                    advice: epochs.isEmpty
                        ? "no parameters lie there" : "there are \(epochs.keys.sorted().commaSeparated)")
            }
            self.parameters = path
        } else {
            let plain = prefix + ".npz"
            self.parameters =
                epochs.max { $0.key < $1.key }?.value
                ?? (FileManager.default.fileExists(atPath: plain) ? plain : nil)
        }
    }

    /// A file is there, but it is no symbol.
    private static func noModel(_ path: String) -> ModelError {
        path.hasSuffix(".states")
            ? ModelError(
                "this is the state of an optimizer, which only training needs", at: path,
                advice: "name the model that lies beside it: PREFIX-symbol.json or PREFIX")
            : ModelError(
                "this is no model", at: path,
                advice: "a model is PREFIX-symbol.json, PREFIX, or a file that ends in .onnx")
    }

    private static func prefix(of name: String) -> String {
        let suffix = [symbolSuffix, ".json"].first { name.hasSuffix($0) }
        return String(name.dropLast(suffix?.count ?? 0))
    }

    /// The files of parameters beside a prefix, by epoch.
    private static func epochs(of prefix: String, _ ending: String) -> [Int: String] {
        let (folder, files) = neighbours(of: prefix)
        let stem = prefix.fileName + "-"
        var epochs: [Int: String] = [:]
        for file in files where file.hasPrefix(stem) && file.hasSuffix(ending) {
            let digits = file.dropFirst(stem.count).dropLast(ending.count)
            guard digits.count >= 4, digits.allSatisfy(\.isWholeNumber), let epoch = Int(digits) else { continue }
            epochs[epoch] = folder.appendingPath(file)
        }
        return epochs
    }

    private static func symbols(beside path: String) -> [String] {
        let (folder, files) = neighbours(of: path)
        return files.filter { $0.hasSuffix(symbolSuffix) }.map { folder.appendingPath($0) }
    }

    /// The folder of a path, and what lies in it.
    private static func neighbours(of path: String) -> (folder: String, files: [String]) {
        let folder = path.parentFolder
        return (folder, (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [])
    }
}
