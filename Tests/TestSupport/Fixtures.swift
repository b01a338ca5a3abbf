import Foundation

/// Where the tests' data lies: real files, each folder with a note of how they were made.
public enum Fixtures {
    /// `Tests/Fixtures`, found from where this file was compiled.
    public static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path

    public static func path(_ name: String) -> String { folder + "/" + name }

    /// `Samples`, `Schemas` and `Docs`, beside `Tests`.
    public static func sample(_ name: String) -> String { repository + "/Samples/" + name }
    public static func schema(_ name: String) -> String { repository + "/Schemas/" + name }

    public static func document(_ name: String) -> String { repository + "/Docs/" + name }

    private static let repository = URL(fileURLWithPath: folder)
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// A new folder that is removed when `body` returns or throws.
    @discardableResult
    public static func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("requant-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }
}
