import TensorCore

/// Names of layers that stay in float as text that people edit: one a line; `#` begins a comment.
public enum ExclusionList {
    /// - Throws: `ModelError` that names the line and what is expected.
    public static func read(_ path: String) throws -> [String] {
        let storage = try TensorStorage(mapping: path)
        let text = withExtendedLifetime(storage) { String(decoding: storage.bytes, as: UTF8.self) }
        return try parse(text, path: path)
    }

    static func parse(_ text: String, path: String) throws -> [String] {
        // Windows' editors begin a file with a mark of the order of bytes.
        let lines = text.drop { $0 == "\u{FEFF}" }.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return try zip(1..., lines).compactMap { number, line in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard words.count <= 1 else {
                throw ModelError(
                    "has \(words.count) words", at: path, "line \(number)", advice: "a line is the name of a layer")
            }
            return words.first.map(String.init)
        }
    }
}
