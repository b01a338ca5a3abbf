import Foundation
import TensorCore

/// Elements of tensors in another file beside the model. The model keeps where they are as three properties:
///
///     location   the file, a path relative to the model's folder
///     offset     where the elements begin; 0 if it is left out
///     length     how many bytes they take; what the type and the shape need, if it is left out
///
/// This type finds them, and maps each file once.
final class ExternalDataReader {
    /// The path of the model; nil for a model that is in no file.
    private let modelPath: String?
    private var files: [String: TensorStorage] = [:]

    init(modelPath: String?) { self.modelPath = modelPath }

    /// The `byteCount` bytes that `properties` point at, as a slice of the mapped file.
    /// - Throws: `ModelError` if the place is outside the model's folder, outside the file, or has another length.
    func bytes(_ properties: [ONNXProperty], byteCount: Int) throws -> Tensor {
        func value(_ key: String) -> String? { properties.last { $0.key == key }?.value }
        func number(_ key: String) throws -> Int? {
            guard let text = value(key) else { return nil }
            guard let number = Int(text), number >= 0 else {
                throw ModelError("\(key) '\(text)' of external data is no number of bytes")
            }
            return number
        }
        guard let location = value("location"), !location.isEmpty else {
            throw ModelError("the elements are in another file, but its location is not given")
        }
        return try locating("external data '\(location)'") {
            let storage = try file(location)
            let offset = try number("offset") ?? 0, length = try number("length") ?? byteCount
            guard length == byteCount else {
                throw ModelError("type and shape need \(byteCount) bytes, but the length is \(length)")
            }
            guard offset <= storage.bytes.count, length <= storage.bytes.count - offset else {
                throw ModelError(
                    "\(length) bytes at \(offset) are claimed, but the file has \(storage.bytes.count)",
                    advice: "the file looks truncated, or belongs to another model")
            }
            return try Tensor(dataType: .uint8, shape: [length], storage: storage, byteOffset: offset)
        }
    }

    private func file(_ location: String) throws -> TensorStorage {
        if let known = files[location] { return known }
        guard let modelPath else { throw ModelError("a model that is in no file has no files beside it") }
        guard !location.hasPrefix("/"), !location.contains("\0"),
            !location.split(separator: "/").contains("..")
        else {
            throw ModelError("the path leaves the model's folder", advice: "do not trust this model")
        }
        let folder = URL(fileURLWithPath: modelPath).deletingLastPathComponent()
        let path = folder.appendingPathComponent(location)
        // A link may lead elsewhere. Beside what the model itself is a link to is as good as beside the model: download
        // caches keep both as links.
        let target = path.resolvingSymlinksInPath().path
        let home = URL(fileURLWithPath: modelPath).resolvingSymlinksInPath().deletingLastPathComponent()
        guard [folder.resolvingSymlinksInPath(), home].contains(where: { target.hasPrefix($0.path + "/") }) else {
            throw ModelError("the link leaves the model's folder", advice: "put the file itself beside the model")
        }
        let storage = try TensorStorage(mapping: target)
        files[location] = storage
        return storage
    }
}

/// Gathers the weights that go beside the model, and writes them one after the other.
final class ExternalDataWriter {
    private let path: String
    private let threshold: Int
    private var placed: [(bytes: Tensor, offset: Int)] = []
    private var end = 0
    /// Offsets are multiples of a page, so that each weight can be mapped by itself.
    private static let alignment = 4096

    init(for modelPath: String, above threshold: Int) {
        path = modelPath + ".data"
        self.threshold = threshold
    }

    /// Takes the bytes if there are enough of them, and says where they will be.
    func place(_ bytes: Tensor) -> [ONNXProperty]? {
        guard bytes.byteCount >= threshold, bytes.byteCount > 0 else { return nil }
        let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
        placed.append((bytes, offset))
        end = offset + bytes.byteCount
        return [
            ONNXProperty(key: "location", value: URL(fileURLWithPath: path).lastPathComponent),
            ONNXProperty(key: "offset", value: String(offset)),
            ONNXProperty(key: "length", value: String(bytes.byteCount)),
        ]
    }

    func write() throws {
        guard !placed.isEmpty else { return }
        try FileOutput.write(to: path) { file in
            for (bytes, offset) in placed {
                try file.write([UInt8](repeating: 0, count: offset - file.position))
                try file.write(bytes)
            }
        }
    }
}
