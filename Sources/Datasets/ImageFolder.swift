import Foundation
import TensorCore

/// The JPEG and PNG files of a folder. Its sub-folders, if any has images in it, are the classes: in the order of their
/// names, the first is label 0.
struct ImageFolder: ImageCollection {
    private struct Entry { var path: String, label: Int }

    private let entries: [Entry]
    let hasLabels: Bool

    /// - Throws: `ModelError` if there are no images, or some beside the sub-folders, which would have no label.
    init(_ path: String) throws {
        let direct = try Self.contents(of: path)
        let classes = try direct.folders.map { try Self.contents(of: $0).images }
        hasLabels = classes.contains { !$0.isEmpty }
        guard direct.images.isEmpty || !hasLabels else {
            throw ModelError(
                "has images beside its sub-folders", at: path,
                advice: "move '\(direct.images[0])' to one of the classes")
        }
        entries =
            hasLabels
            ? classes.enumerated().flatMap { label, images in images.map { Entry(path: $0, label: label) } }
            : direct.images.map { Entry(path: $0, label: 0) }
        guard !entries.isEmpty else { throw ModelError("has no .jpg, .jpeg or .png images", at: path) }
    }

    var count: Int { entries.count }
    func place(of index: Int) -> String { entries[index].path }
    func label(at index: Int) -> Int { entries[index].label }

    func image(at index: Int, gray: Bool) throws -> Image {
        let path = entries[index].path
        let file = try TensorStorage(mapping: path)
        return try locating(path) { try withExtendedLifetime(file) { try ImageDecoder.decode(file.bytes, gray: gray) } }
    }

    /// Images and folders, by name, hidden ones left out.
    private static func contents(of folder: String) throws -> (images: [String], folders: [String]) {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw ModelError("cannot be listed: \(error.localizedDescription)", at: folder)
        }
        var images: [String] = [], folders: [String] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = folder + "/" + name
            if ["jpg", "jpeg", "png"].contains(name.fileExtension) {
                images.append(path)
            } else if isFolder(path) {
                folders.append(path)
            }
        }
        return (images, folders)
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
