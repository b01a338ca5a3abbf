/// Writes JSON in the layout of dmlc-core's `JSONWriter`: every separator is `", "`, and in a container that takes
/// several lines a line break and two spaces per level follow it, so that lines end in a blank.
struct JSONWriter {
    private(set) var output: [UInt8] = []
    /// The containers that are open, from the outside in.
    private var scopes: [Scope] = []

    private struct Scope {
        let isMultiline: Bool
        var isEmpty = true
    }

    mutating func object(multiline: Bool, _ members: (inout JSONWriter) -> Void) {
        container("{", "}", multiline, members)
    }

    mutating func member(_ key: String, _ value: (inout JSONWriter) -> Void) {
        beginItem()
        string(key)
        raw(": ")
        value(&self)
    }

    mutating func array<Element>(
        _ elements: [Element], multiline: Bool, _ element: (inout JSONWriter, Element) -> Void
    ) {
        container("[", "]", multiline) { writer in
            for item in elements {
                writer.beginItem()
                element(&writer, item)
            }
        }
    }

    /// dmlc-core escapes these five characters and no other.
    mutating func string(_ text: String) {
        raw("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case UInt8(ascii: "\n"): raw("\\n")
            case UInt8(ascii: "\r"): raw("\\r")
            case UInt8(ascii: "\t"): raw("\\t")
            default: output.append(byte)
            }
        }
        raw("\"")
    }

    mutating func raw(_ json: String) { output.append(contentsOf: json.utf8) }

    private mutating func container(
        _ open: String, _ close: String, _ isMultiline: Bool, _ content: (inout JSONWriter) -> Void
    ) {
        raw(open)
        scopes.append(Scope(isMultiline: isMultiline))
        content(&self)
        if let scope = scopes.popLast(), scope.isMultiline, !scope.isEmpty { breakLine() }
        raw(close)
    }

    private mutating func beginItem() {
        guard let scope = scopes.last else { return }
        if !scope.isEmpty { raw(", ") }
        scopes[scopes.count - 1].isEmpty = false
        if scope.isMultiline { breakLine() }
    }

    private mutating func breakLine() {
        raw("\n")
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * scopes.count))
    }
}
