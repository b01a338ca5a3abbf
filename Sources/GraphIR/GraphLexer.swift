import TensorCore

/// A word, a quoted text, or a single character of punctuation.
enum GraphToken: Equatable {
    case word(String)
    case quoted(String)
    case mark(Unicode.Scalar)
    case end

    var description: String {
        switch self {
        case .word(let text): "'\(text)'"
        case .quoted(let text): GraphText.quoted(text)
        case .mark(let scalar): "'\(scalar)'"
        case .end: "the end of the text"
        }
    }
}

/// Cuts the text of a graph into tokens. Blanks and line ends only separate; `#` begins a comment.
struct GraphLexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private(set) var line = 1

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// - Throws: `ModelError` for quotes that are not closed and for an escape that does not exist.
    mutating func next() throws -> GraphToken {
        skipBlanks()
        guard let first = peek else { return .end }
        if GraphText.isBare(first) { return .word(readWord()) }
        position += 1
        return first == "\"" ? .quoted(try readQuoted()) : .mark(first)
    }

    private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func skipBlanks() {
        while let scalar = peek {
            if scalar == "#" {
                while let comment = peek, comment != "\n" { position += 1 }
            } else if scalar.properties.isWhitespace {
                if scalar == "\n" { line += 1 }
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func readWord() -> String {
        var word = String.UnicodeScalarView()
        while let scalar = peek, GraphText.isBare(scalar) {
            word.append(scalar)
            position += 1
        }
        return String(word)
    }

    private mutating func readQuoted() throws -> String {
        var text = String.UnicodeScalarView()
        while let scalar = peek, scalar != "\n" {
            position += 1
            switch scalar {
            case "\"": return String(text)
            case "\\": text.append(try readEscaped())
            default: text.append(scalar)
            }
        }
        throw ModelError("the quotes are not closed")
    }

    private mutating func readEscaped() throws -> Unicode.Scalar {
        let escaped = peek
        position += 1
        switch escaped {
        case "\"", "\\": return escaped ?? "\\"
        case "n": return "\n"
        default:
            let sequence = "\\" + (escaped.map(String.init) ?? "")
            throw ModelError("'\(sequence)' is no escape", advice: "expected \\\", \\\\ or \\n")
        }
    }
}
