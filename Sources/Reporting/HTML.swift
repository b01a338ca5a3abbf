import Foundation

/// Pieces of a page. Text becomes HTML in one place only, `init(text:)`, which escapes it: what a model calls its nodes
/// can never become markup.
struct HTML: ExpressibleByStringInterpolation {
    private(set) var source: String

    /// Markup that is part of this program.
    init(stringLiteral markup: String) { source = markup }

    /// Interpolated text is escaped; interpolated HTML is not.
    init(stringInterpolation: Interpolation) { source = stringInterpolation.source }

    /// Text of any origin.
    init(text: String) { source = Self.escaped(text) }

    /// Markup that another part of this program made.
    init(trusted markup: String) { source = markup }

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity) }
        mutating func appendLiteral(_ literal: String) { source += literal }
        mutating func appendInterpolation(_ html: HTML) { source += html.source }
        mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { source += part.source } }
        mutating func appendInterpolation(_ text: String) { source += HTML.escaped(text) }
        mutating func appendInterpolation(_ number: Int) { source += "\(number)" }
        mutating func appendInterpolation(_ number: Double, digits: Int = 4) { source += Numbers.short(number, digits) }
    }

    /// Also good between double quotes, in attributes.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Numbers for people and for `data-value` attributes.
enum Numbers {
    static func short(_ value: Double, _ digits: Int = 4) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value > 0 ? "inf" : "-inf" }
        return String(format: "%.\(digits)g", value == 0 ? 0 : value)
    }

    static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
    static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }
}
