import Foundation
import Synchronization

extension FileOutput {
    /// Runs `body`; the files and folders that it writes through `FileOutput` are there when it returns: all of them or,
    /// if anything fails, none. What was there before keeps its content then.
    /// - Throws: what `body` throws; `ModelError` if a target cannot be replaced.
    public static func together<Result>(_ body: () throws -> Result) throws -> Result {
        // A batch within a batch is a part of it.
        guard FileBatch.current == nil else { return try body() }
        let batch = FileBatch()
        do {
            let result = try FileBatch.$current.withValue(batch, operation: body)
            try batch.commit()
            return result
        } catch {
            batch.discard()
            throw error
        }
    }
}

/// Files that are written and wait under their temporary names until all are, and the folders that were made for them.
final class FileBatch: Sendable {
    @TaskLocal static var current: FileBatch?

    private struct Contents {
        var files: [(temporary: String, path: String)] = []
        /// Inner folders before those around them.
        var folders: [String] = []
    }

    private let contents = Mutex(Contents())

    func add(_ temporary: String, for path: String) {
        contents.withLock { contents in
            if !contents.files.contains(where: { $0.path == path }) { contents.files.append((temporary, path)) }
        }
    }

    /// Remembers the folders that have to be made to have `path`.
    func addMissingFolders(of path: String) {
        var missing: [String] = []
        var folder = path
        while !folder.isEmpty, !FileManager.default.fileExists(atPath: folder) {
            missing.append(folder)
            folder = folder.parentFolder
        }
        contents.withLock { $0.folders.insert(contentsOf: missing, at: 0) }
    }

    /// Renames all files. A file that is replaced keeps a second name until the last one is in place, so that a failure
    /// can bring it back; where a file system has no second names, the failure of a later file cannot.
    func commit() throws {
        try contents.withLock { contents in
            var replaced: [(path: String, old: String?)] = []
            defer { for case let old? in replaced.map(\.old) { unlink(old) } }
            for (temporary, path) in contents.files {
                let old = "\(path).\(getpid()).old"
                let isKept = link(path, old) == 0
                replaced.append((path, isKept ? old : nil))
                guard rename(temporary, path) != 0 else { continue }
                let reason = String(cString: strerror(errno))
                for (path, old) in replaced.dropLast().reversed() {
                    if let old { rename(old, path) } else { unlink(path) }
                }
                throw ModelError("cannot be replaced: \(reason)", at: path)
            }
            contents = Contents()
        }
    }

    /// Removes what was written. Of the folders, those go that nobody else has put anything into.
    func discard() {
        contents.withLock { contents in
            for file in contents.files { unlink(file.temporary) }
            for folder in contents.folders { rmdir(folder) }
            contents = Contents()
        }
    }
}
