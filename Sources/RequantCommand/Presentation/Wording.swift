import Foundation
import TensorCore

/// How numbers and lists are written for people.
enum Wording {
    /// `1 layer`, `2 layers`
    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// `1.4 MB`
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return String(format: unit == "B" ? "%.0f %@" : "%.1f %@", value, unit) }
            value /= 1000
        }
        return String(format: "%.1f TB", value)
    }

    /// `98.40 %`
    static func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

    /// `1.25 s`
    static func seconds(_ duration: Duration) -> String { String(format: "%.2f s", duration / .seconds(1)) }

    /// Four digits are enough to recognize a number.
    static func number(_ value: Double) -> String { String(format: "%.4g", value) }

    /// The first few, and how many more there are.
    static func list(_ names: [String], limit: Int = 4) -> String {
        let shown = Array(names.prefix(limit)).commaSeparated
        return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
    }

    /// The first few lines, and one that says how many more there are.
    static func shortened(_ lines: [String], limit: Int = 4) -> [String] {
        lines.count > limit + 1 ? lines.prefix(limit) + ["and \(lines.count - limit) more"] : lines
    }

    /// `1×3×224×224`, or `?` where it is not known.
    static func shape(_ dimensions: [Int]?) -> String { dimensions.map { Shape($0).description } ?? "?" }
}
