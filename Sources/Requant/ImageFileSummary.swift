import Datasets
import TensorCore

/// What the header of an image says.
public struct ImageFileSummary: Sendable, Codable {
    /// The file's name without its folder.
    public var name: String
    /// `JPEG` or `PNG`
    public var image: String
    /// In pixels.
    public var width: Int
    /// In pixels.
    public var height: Int

    /// - Throws: `ModelError` if the header is damaged.
    public init(reading path: String) throws {
        let storage = try TensorStorage(mapping: path)
        let header = try locating(path) { try withExtendedLifetime(storage) { try ImageHeader(storage.bytes) } }
        (name, image, width, height) = (path.fileName, header.kind.rawValue, header.width, header.height)
    }
}
