import Datasets
import Foundation
import MXNetFormat
import TensorCore

/// What a file is, told by its first bytes, since names mislead.
public enum FileKind: Sendable, Equatable {
    /// A symbol, an ONNX file, or a prefix.
    case model
    /// `.params`
    case parameters
    /// `.npz`
    case archive
    /// `.npy`
    case array
    /// RecordIO
    case records
    /// The index of a RecordIO file
    case index
    /// JPEG or PNG
    case image
    /// A table of calibrated ranges.
    case ranges

    /// - Throws: `ModelError` if the file cannot be opened.
    public init(of path: String) throws {
        var isFolder: ObjCBool = false
        // A prefix need not be a file; if it is not there at all, who opens the model says so best.
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
            self = .model
            return
        }
        let storage = try TensorStorage(mapping: path)
        if ParametersReader.recognizes(storage) {
            self = .parameters
        } else if ParameterArchive.recognizes(storage) {
            self = .archive
        } else if storage.bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
            self = .array
        } else if RecordReader.recognizes(storage) {
            self = .records
        } else if ImageHeader.kind(storage.bytes) != nil {
            self = .image
        } else if let kind = Self.named[path.fileExtension] {
            // A damaged or empty file: its reader says what is wrong.
            self = kind
        } else {
            self = Self.looksLikeRanges(storage) ? .ranges : .model
        }
    }

    private static let named: [String: FileKind] = [
        "onnx": .model, "json": .model, "params": .parameters, "npz": .archive, "npy": .array, "rec": .records,
        "idx": .index,
    ]

    /// Text that does not begin as JSON does.
    private static func looksLikeRanges(_ storage: TensorStorage) -> Bool {
        let start = storage.bytes.prefix(256)
        return !start.isEmpty && start.first { !" \n\r\t".utf8.contains($0) } != UInt8(ascii: "{")
            && start.allSatisfy { $0 >= 0x20 || "\n\r\t".utf8.contains($0) }
    }
}
