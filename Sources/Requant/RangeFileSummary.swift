import TensorCore

/// What a table of calibrated ranges holds.
public struct RangeFileSummary: Sendable, Codable {
    /// One range.
    public struct Row: Sendable, Codable {
        /// The name of the value.
        public var name: String
        /// In real values.
        public var minimum: Double
        /// In real values.
        public var maximum: Double
        /// How it was chosen: a method of calibration, or any word.
        public var method: String
    }

    /// The file's name without its folder.
    public var name: String
    /// In the order of the file.
    public var rows: [Row]

    /// - Throws: `ModelError` that names the line.
    public init(reading path: String) throws {
        name = path.fileName
        rows = try RangeTable(reading: path).entries.map {
            Row(name: $0.name, minimum: Double($0.range.min), maximum: Double($0.range.max), method: $0.method)
        }
    }
}
