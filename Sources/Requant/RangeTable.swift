import Foundation
import TensorCore

/// Calibrated ranges as text that people edit: a value a line, its name, minimum, maximum, and where they come from.
/// `#` begins a comment.
///
///     # value                        minimum      maximum  method
///     data                         -0.424213     2.821487  naive
public struct RangeTable: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var range: ValueRange
        public var method: String

        public init(name: String, range: ValueRange, method: String) {
            self.name = name
            self.range = range
            self.method = method
        }
    }

    public var entries: [Entry]

    public init(entries: [Entry] = []) { self.entries = entries }

    public var ranges: [String: ValueRange] {
        Dictionary(entries.map { ($0.name, $0.range) }) { _, last in last }
    }

    /// - Throws: `ModelError` that names the line, and both lines if a value stands there twice.
    public init(reading path: String) throws {
        let storage = try TensorStorage(mapping: path)
        try self.init(parsing: String(decoding: storage.bytes, as: UTF8.self), path: path)
    }

    public init(parsing text: String, path: String) throws {
        entries = []
        var lineOfName: [Substring: Int] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard !words.isEmpty else { continue }
            func failure(_ problem: String) -> ModelError {
                ModelError(problem, at: path, "line \(number + 1)", advice: "a line is: name minimum maximum [method]")
            }
            guard words.count == 3 || words.count == 4 else { throw failure("has \(words.count) words") }
            guard let low = Float(words[1]), let high = Float(words[2]), low.isFinite, high.isFinite else {
                throw failure("'\(words[1])' or '\(words[2])' is not a finite number")
            }
            guard low <= high else { throw failure("the minimum \(low) is above the maximum \(high)") }
            if let first = lineOfName.updateValue(number + 1, forKey: words[0]) {
                throw ModelError(
                    "'\(words[0])' has a range in line \(first) already", at: path, "line \(number + 1)",
                    advice: "leave one of the two, or give both tables to requant calibrate --merge")
            }
            entries.append(
                Entry(
                    name: String(words[0]), range: ValueRange(low, high),
                    method: words.count == 4 ? String(words[3]) : "given"))
        }
        guard !entries.isEmpty else { throw ModelError("has no ranges in it", at: path) }
    }

    /// The text, columns aligned. Numbers are written so that reading them gives the same.
    public var text: String {
        let width = (entries.map(\.name.count) + [7]).max() ?? 7
        var lines = ["# value".padded(to: width) + "  minimum".leftPadded(to: 16) + "maximum".leftPadded(to: 16) + "  method"]
        for entry in entries {
            lines.append(
                entry.name.padded(to: width) + "\(entry.range.min)".leftPadded(to: 16)
                    + "\(entry.range.max)".leftPadded(to: 16) + "  \(entry.method)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    public func write(to path: String) throws { try FileOutput.write(text, to: path) }

    /// The ranges that cover those of all tables.
    public static func merging(_ tables: [RangeTable]) -> RangeTable {
        var merged = RangeTable()
        for entry in tables.flatMap(\.entries) {
            guard let index = merged.entries.firstIndex(where: { $0.name == entry.name }) else {
                merged.entries.append(entry)
                continue
            }
            merged.entries[index].range = merged.entries[index].range.union(entry.range)
            if merged.entries[index].method != entry.method { merged.entries[index].method = "merged" }
        }
        return merged
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
