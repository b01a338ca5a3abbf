import TensorCore

/// JSON as far as symbol files need it, read in one pass over the bytes of a file; several times faster than Foundation's.
enum JSONValue {
    case object([(key: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    case number(Double)
    case boolean(Bool)
    case null

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members.first { $0.key == key }?.value } else { nil }
    }

    var kind: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .string: "a text"
        case .number: "a number"
        case .boolean: "true or false"
        case .null: "null"
        }
    }
}

/// Reads one JSON text (RFC 8259).
struct JSONReader {
    /// Deeper nesting is refused: no symbol needs it, and reading recurses.
    static let deepest = 256

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// - Throws: `ModelError` that names the byte where the text stops being JSON.
    static func read(_ storage: TensorStorage) throws -> JSONValue {
        try withExtendedLifetime(storage) {
            var reader = JSONReader(bytes: storage.bytes.bindMemory(to: UInt8.self))
            let value = try reader.value(depth: 0)
            reader.skipSpace()
            guard reader.position == reader.bytes.count else { throw reader.failure("more text follows the end") }
            return value
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private func failure(_ problem: String) -> ModelError {
        ModelError(problem, at: "byte \(position)", advice: "the file is not JSON, or it is damaged")
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    private mutating func next() throws -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw failure("the text ends too early") }
        return bytes[position]
    }

    private mutating func expect(_ character: Character) throws {
        guard try next() == character.asciiValue else { throw failure("'\(character)' is expected") }
        position += 1
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.deepest else { throw failure("the text is nested more than \(Self.deepest) levels deep") }
        switch try next() {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func object(depth: Int) throws -> [(key: String, value: JSONValue)] {
        try expect("{")
        var members: [(key: String, value: JSONValue)] = []
        while try next() != UInt8(ascii: "}") {
            if !members.isEmpty { try expect(",") }
            guard try next() == UInt8(ascii: "\"") else { throw failure("a key is expected") }
            let key = try string()
            try expect(":")
            members.append((key, try value(depth: depth)))
        }
        position += 1
        return members
    }

    private mutating func array(depth: Int) throws -> [JSONValue] {
        try expect("[")
        var elements: [JSONValue] = []
        while try next() != UInt8(ascii: "]") {
            if !elements.isEmpty { try expect(",") }
            elements.append(try value(depth: depth))
        }
        position += 1
        return elements
    }

    private mutating func string() throws -> String {
        position += 1
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            position += 1
        }
        var text = [UInt8](bytes[start..<position])
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") { try escape(into: &text) } else {
                text.append(bytes[position])
                position += 1
            }
        }
        guard position < bytes.count else { throw failure("a text is not closed") }
        position += 1
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard position + 1 < bytes.count else { throw failure("a text is not closed") }
        let letter = bytes[position + 1]
        position += 2
        switch letter {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if unit & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                unit = 0x10000 + (unit & 0x3FF) << 10 + (try hexadecimal() & 0x3FF)
            }
            text.append(contentsOf: String(Unicode.Scalar(unit) ?? "\u{FFFD}").utf8)
        default: text.append(letter)
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits are expected") }
        position += 4
        return value
    }

    private mutating func number() throws -> Double {
        let start = position
        while position < bytes.count, "+-.eE0123456789".utf8.contains(bytes[position]) { position += 1 }
        guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
            position = start
            throw failure("a value is expected")
        }
        return value
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        guard position + word.utf8.count <= bytes.count,
            bytes[position..<position + word.utf8.count].elementsEqual(word.utf8)
        else { throw failure("a value is expected") }
        position += word.utf8.count
        return value
    }
}
