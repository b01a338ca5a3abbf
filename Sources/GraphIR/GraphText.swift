/// What the printer and the parser of graphs agree on: words, quotes and the names that may be left out.
enum GraphText {
    static let keywords: Set<String> = ["graph", "input", "metadata", "parameter", "return"]

    /// Bodies within bodies, at most.
    static let depthLimit = 32

    /// Words made of these, and not of nothing, need no quotes. Numbers are words, too.
    static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-", "+", "/": true
        default: false
        }
    }

    /// A lone `_` is an input that is left out.
    static func isBare(_ text: String) -> Bool {
        !text.isEmpty && text != "_" && text.unicodeScalars.allSatisfy(isBare)
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The name of a node that none is written for.
    static func nodeName(firstOutput name: String?) -> String? {
        guard let name else { return nil }
        let suffix = "_output"
        return name.hasSuffix(suffix) && name.count > suffix.count ? String(name.dropLast(suffix.count)) : name
    }
}
