import TensorCore

/// What a table of calibrated ranges holds.
public struct RangeFileSummary: Sendable, Codable {
    public struct Row: Sendable, Codable {
        public var name: String
        public var minimum: Double
        public var maximum: Double
        public var method: String
    }

    public var name: String
    public var rows: [Row]

    /// - Throws: `ModelError` that names the line.
    public init(reading path: String) throws {
        name = path.fileName
        rows = try RangeTable(reading: path).entries.map {
            Row(name: $0.name, minimum: Double($0.range.min), maximum: Double($0.range.max), method: $0.method)
        }
    }
}
