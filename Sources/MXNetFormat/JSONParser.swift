import TensorCore

/// Reads JSON (RFC 8259) from UTF-8 bytes, value by value, without building a tree: the caller says what it expects.
///
/// Nesting is bounded, so that a file cannot exhaust the stack; every error names the byte.
struct JSONParser {
    /// Arrays and objects within each other; symbols with subgraphs need about five per level.
    static let depthLimit = 512

    private let storage: TensorStorage
    private(set) var position = 0
    private var depth = 0

    init(_ storage: TensorStorage) { self.storage = storage }

    private var bytes: UnsafeRawBufferPointer { storage.bytes }

    /// Reads an object; `member` must read (or skip) the value of the key it is given.
    mutating func object(_ what: String, _ member: (inout JSONParser, String) throws -> Void) throws {
        try open("{", what)
        if try !closes("}") {
            repeat {
                let key = try string("a key")
                try expect(":", "the ':' after key '\(key)'")
                try member(&self, key)
            } while try continues(to: "}", "the object")
        }
        depth -= 1
    }

    /// Reads an array; `element` must read (or skip) one element.
    mutating func array(_ what: String, _ element: (inout JSONParser) throws -> Void) throws {
        try open("[", what)
        if try !closes("]") {
            repeat { try element(&self) } while try continues(to: "]", "the array")
        }
        depth -= 1
    }

    /// Reads a whole number that fits `Int`.
    mutating func integer(_ what: String) throws -> Int {
        skipBlanks()
        let start = position
        let text = number()
        guard let value = Int(text) else {
            throw ModelError("\(what) should be a whole number, but \(found(at: start)) is here", at: "byte \(start)")
        }
        return value
    }

    mutating func string(_ what: String) throws -> String {
        skipBlanks()
        guard peek() == "\"" else {
            throw ModelError("\(what) should be a string, but \(found(at: position)) is here", at: "byte \(position)")
        }
        let quote = position
        position += 1
        let start = position
        while let byte = peek(), byte != "\"", byte != "\\" { position += 1 }
        if peek() == "\"" {
            position += 1
            return text(start..<position - 1)
        }
        return try escapedString(from: start, quote: quote)
    }

    /// Reads a string, or a number, `true`, `false` or `null` as the text that it is.
    mutating func scalar(_ what: String) throws -> String {
        skipBlanks()
        switch peek() {
        case "\"": return try string(what)
        case "{", "[":
            throw ModelError("\(what) should be a string, but \(found(at: position)) is here", at: "byte \(position)")
        default: return try raw()
        }
    }

    /// Passes over a value of any kind and returns its JSON.
    @discardableResult
    mutating func raw() throws -> String {
        skipBlanks()
        let start = position
        switch peek() {
        case "{": try object("the value") { parser, _ in try parser.raw() }
        case "[": try array("the value") { try $0.raw() }
        case "\"": _ = try string("the value")
        case "t": try word("true")
        case "f": try word("false")
        case "n": try word("null")
        default:
            guard Double(number()) != nil else {
                throw ModelError("a value should be here, but \(found(at: start)) is", at: "byte \(start)")
            }
        }
        return text(start..<position)
    }

    /// The kind of the next value, by its first character: `{`, `[`, `"`, or another; nil at the end.
    mutating func next() -> Unicode.Scalar? {
        skipBlanks()
        return peek()
    }

    /// Makes sure that only blanks follow.
    mutating func end() throws {
        skipBlanks()
        guard position == bytes.count else {
            throw ModelError("\(found(at: position)) follows the end of the value", at: "byte \(position)")
        }
    }
}

// MARK: - Characters

extension JSONParser {
    private func peek() -> Unicode.Scalar? {
        position < bytes.count ? Unicode.Scalar(bytes[position]) : nil
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    private mutating func skipBlanks() {
        while let character = peek(), character == " " || character == "\n" || character == "\r" || character == "\t" {
            position += 1
        }
    }

    private mutating func open(_ bracket: Unicode.Scalar, _ what: String) throws {
        skipBlanks()
        guard peek() == bracket else {
            let kind = bracket == "{" ? "an object" : "an array"
            throw ModelError("\(what) should be \(kind), but \(found(at: position)) is here", at: "byte \(position)")
        }
        guard depth < Self.depthLimit else {
            throw ModelError(
                "more than \(Self.depthLimit) arrays and objects lie within each other", at: "byte \(position)",
                advice: "no model needs that; the file looks damaged")
        }
        position += 1
        depth += 1
    }

    private mutating func expect(_ character: Unicode.Scalar, _ what: String) throws {
        skipBlanks()
        guard peek() == character else {
            throw ModelError("\(what) should be here, but \(found(at: position)) is", at: "byte \(position)")
        }
        position += 1
    }

    private mutating func closes(_ bracket: Unicode.Scalar) throws -> Bool {
        skipBlanks()
        guard peek() == bracket else { return false }
        position += 1
        return true
    }

    private mutating func continues(to bracket: Unicode.Scalar, _ what: String) throws -> Bool {
        if try closes(bracket) { return false }
        try expect(",", "',' or '\(bracket)' in \(what)")
        return true
    }

    private mutating func word(_ word: String) throws {
        let start = position
        for character in word.unicodeScalars {
            guard peek() == character else {
                throw ModelError("\(found(at: start)) is no value", at: "byte \(start)")
            }
            position += 1
        }
    }

    /// The characters that a number may have; whether they make one is for the caller to see.
    private mutating func number() -> String {
        let start = position
        while let character = peek(), "+-.0123456789eE".unicodeScalars.contains(character) { position += 1 }
        return text(start..<position)
    }

    /// What lies at a byte, for an error message.
    private func found(at offset: Int) -> String {
        guard offset < bytes.count else { return "the end of the file" }
        let character = bytes[offset]
        return character >= 0x20 && character < 0x7F
            ? "'\(Unicode.Scalar(character))'" : "byte 0x\(String(character, radix: 16))"
    }
}

// MARK: - Escapes

extension JSONParser {
    /// The rest of a string of which `start..<position` has been read.
    private mutating func escapedString(from start: Int, quote: Int) throws -> String {
        var result = Array(bytes[start..<position])
        while let character = peek() {
            position += 1
            if character == "\"" { return String(decoding: result, as: UTF8.self) }
            guard character == "\\" else {
                result.append(bytes[position - 1])
                continue
            }
            result.append(contentsOf: String(try escapedCharacter()).utf8)
        }
        throw ModelError(
            "the string that begins here does not end", at: "byte \(quote)", advice: "the file looks truncated")
    }

    /// The character that follows a backslash.
    private mutating func escapedCharacter() throws -> Unicode.Scalar {
        let start = position - 1
        let letter = peek()
        position += 1
        switch letter {
        case "\"", "\\", "/": return letter ?? "/"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "u":
            guard let unit = codeUnit() else { break }
            guard unit & 0xFC00 == 0xD800 else { return Unicode.Scalar(unit) ?? "\u{FFFD}" }
            // A character beyond U+FFFF is written as two units; one without the other means nothing.
            guard peek() == "\\" else { return "\u{FFFD}" }
            position += 1
            guard peek() == "u" else { break }
            position += 1
            guard let second = codeUnit() else { break }
            return Unicode.Scalar(0x10000 + (unit & 0x3FF) << 10 + second & 0x3FF) ?? "\u{FFFD}"
        default: break
        }
        throw ModelError("this escape in a string is not known", at: "byte \(start)")
    }

    private mutating func codeUnit() -> UInt32? {
        guard bytes.count - position >= 4 else { return nil }
        defer { position += 4 }
        return UInt32(text(position..<position + 4), radix: 16)
    }
}
