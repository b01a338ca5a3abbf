import Foundation

/// Colour for people: on a terminal that has it, and never with NO_COLOR (https://no-color.org) or TERM=dumb.
/// What is said never depends on colour alone.
enum Paint: String {
    case red = "31"
    case yellow = "33"
    case cyan = "36"

    func callAsFunction(_ text: String, on descriptor: Int32) -> String {
        Self.isWanted(on: descriptor) ? "\u{1B}[1;\(rawValue)m\(text)\u{1B}[0m" : text
    }

    private static func isWanted(on descriptor: Int32) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(descriptor) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }
}
