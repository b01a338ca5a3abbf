import Foundation
import Passes
import TensorCore

/// Calibrated ranges as text that people edit: a value a line, its name, minimum, maximum, and where they come from.
/// `#` begins a comment.
///
///     # value                        minimum      maximum  method
///     data                         -0.424213     2.821487  naive
public struct RangeTable: Sendable, Equatable {
    /// The range of one value.
    public struct Entry: Sendable, Equatable {
        /// The name of the value.
        public var name: String
        /// In real values.
        public var range: ValueRange
        /// How it was chosen: a method of calibration, or any word.
        public var method: String
        /// Comments and empty lines above it, and the comment behind it.
        public var linesAbove: [String] = []
        /// What follows `#` in its line, the mark included.
        public var comment: String?
        /// Where it stands in the file; nil if it does not come from one.
        public var line: Int?

        /// An entry without comments.
        public init(name: String, range: ValueRange, method: String) {
            self.name = name
            self.range = range
            self.method = method
        }
    }

    /// In the order of the file.
    public var entries: [Entry]
    /// Comments below the last entry.
    public var linesBelow: [String] = []
    /// The file that it was read from.
    public var path: String?

    /// A table that does not come from a file.
    public init(entries: [Entry] = []) { self.entries = entries }

    /// By the names of the values.
    public var ranges: [String: ValueRange] {
        Dictionary(entries.map { ($0.name, $0.range) }) { _, last in last }
    }

    /// - Throws: `ModelError` that names the line, and both lines if a value stands there twice.
    public init(reading path: String) throws {
        let storage = try TensorStorage(mapping: path)
        let text = withExtendedLifetime(storage) { String(decoding: storage.bytes, as: UTF8.self) }
        try self.init(parsing: text, path: path)
    }

    /// Reads a table.
    /// - Parameters:
    ///   - text: the lines of the table.
    ///   - path: what errors call it.
    /// - Throws: `ModelError` that names the line.
    public init(parsing text: String, path: String) throws {
        entries = []
        self.path = path
        var lineOfName: [String: Int] = [:]
        // Windows' editors begin a file with a mark of the order of bytes.
        let lines = text.drop { $0 == "\u{FEFF}" }.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (number, line) in zip(1..., lines) {
            guard var entry = try Entry(line, number, path) else {
                if !line.hasPrefix(Self.header) { linesBelow.append(String(line)) }
                continue
            }
            if let first = lineOfName.updateValue(number, forKey: entry.name) {
                throw ModelError(
                    "'\(entry.name)' has a range in line \(first) already", at: path, "line \(number)",
                    advice: "leave one of the two, or give both tables to requant calibrate --merge")
            }
            swap(&entry.linesAbove, &linesBelow)
            entries.append(entry)
        }
        // What follows the last line break is no line.
        if linesBelow.last == "" { linesBelow.removeLast() }
        guard !entries.isEmpty else { throw ModelError("has no ranges in it", at: path) }
    }

    private static let header = "# value "

    /// The text, columns aligned. Numbers are written so that reading them gives the same, and comments stay where they are.
    public var text: String {
        let width = (entries.map(\.name.count) + [7]).max() ?? 7
        var lines = [
            "# value".padded(to: width) + "  minimum".leftPadded(to: 16) + "maximum".leftPadded(to: 16) + "  method"
        ]
        for entry in entries {
            lines += entry.linesAbove
            lines.append(
                entry.name.padded(to: width) + "\(entry.range.min)".leftPadded(to: 16)
                    + "\(entry.range.max)".leftPadded(to: 16) + "  \(entry.method)"
                    + (entry.comment.map { "  \($0)" } ?? ""))
        }
        return (lines + linesBelow).joined(separator: "\n") + "\n"
    }

    /// - Throws: `ModelError` if the file cannot be written.
    public func write(to path: String) throws { try FileOutput.write(text, to: path) }

    /// The ranges that cover those of all tables, and all their comments. Of extremes they are those of one run over all
    /// data; thresholds of other methods are not, since a threshold depends on all values (see `thresholdsMerged`).
    public static func merging(_ tables: [RangeTable]) -> RangeTable {
        var merged = RangeTable()
        for table in tables {
            for entry in table.entries {
                guard let index = merged.entries.firstIndex(where: { $0.name == entry.name }) else {
                    merged.entries.append(entry)
                    continue
                }
                merged.entries[index].range = merged.entries[index].range.union(entry.range)
                merged.entries[index].linesAbove += entry.linesAbove
                let comments = [merged.entries[index].comment, entry.comment].compactMap { $0 }
                merged.entries[index].comment = comments.isEmpty ? nil : comments.joined(separator: " ")
                if merged.entries[index].method != entry.method { merged.entries[index].method = "merged" }
            }
            merged.linesBelow += table.linesBelow
        }
        return merged
    }

    /// Values that more than one of some tables has a threshold for that is not of extremes or given by hand.
    static func thresholdsMerged(_ tables: [RangeTable]) -> [String] {
        let methods = CalibrationMethod.allCases.filter(\.needsHistograms).map(\.rawValue)
        let names = tables.flatMap(\.entries).filter { methods.contains($0.method) }.map(\.name)
        let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
        return merging(tables).entries.map(\.name).filter { counts[$0, default: 0] > 1 }
    }
}

extension RangeTable.Entry {
    /// Nil for a line without an entry.
    fileprivate init?(_ line: Substring, _ number: Int, _ path: String) throws {
        let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return nil }
        func failure(_ problem: String) -> ModelError {
            ModelError(problem, at: path, "line \(number)", advice: "a line is: name minimum maximum [method]")
        }
        guard words.count == 3 || words.count == 4 else { throw failure("has \(words.count) words") }
        guard let low = Float(words[1]), let high = Float(words[2]), low.isFinite, high.isFinite else {
            throw failure("'\(words[1])' or '\(words[2])' is not a finite number")
        }
        guard low <= high else { throw failure("the minimum \(low) is above the maximum \(high)") }
        self.init(
            name: String(words[0]), range: ValueRange(low, high), method: words.count == 4 ? String(words[3]) : "given")
        comment = line.firstIndex(of: "#").map { String(line[$0...]) }
        self.line = number
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
