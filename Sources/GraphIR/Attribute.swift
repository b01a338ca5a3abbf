import OrderedCollections
import TensorCore

/// One attribute of a node. MXNet writes every attribute as text, and that spelling is kept so that a checkpoint can be
/// written back as it was; ONNX has types.
public enum Attribute: Sendable, Equatable {
    /// As MXNet spells it: `(3, 3)`, `True`, `1e-05`, `relu`.
    case text(String)
    case integer(Int)
    case number(Double)
    case integers([Int])
    case numbers([Double])
    case strings([String])
    case tensor(Tensor)
}

/// The attributes of a node, in the order of its file.
public typealias Attributes = OrderedDictionary<String, Attribute>

extension Attribute: CustomStringConvertible {
    /// The value as MXNet spells it.
    public var description: String {
        switch self {
        case .text(let text): text
        case .integer(let value): String(value)
        case .number(let value): value == value.rounded() && abs(value) < 1e15 ? String(value) : String(Float(value))
        case .integers(let values): values.count == 1 ? "(\(values[0]),)" : "(\(values.commaSeparated))"
        case .numbers(let values): "(\(values.map { String(Float($0)) }.joined(separator: ", ")))"
        case .strings(let values): "(\(values.joined(separator: ", ")))"
        case .tensor(let tensor): "<\(tensor.type)>"
        }
    }

    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        case .text(let text): Int(text.trimmed) ?? Double(text.trimmed).flatMap(Int.init(exactly:))
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .text(let text): Double(text.trimmed)
        default: nil
        }
    }

    var boolean: Bool? {
        switch self {
        case .integer(let value): value != 0
        case .text(let text):
            switch text.trimmed.lowercased() {
            case "true", "1": true
            case "false", "0": false
            default: nil
            }
        default: nil
        }
    }

    /// A tuple such as `(0.1, 2)`, `[1,1]`, `1` or `()`; nil if an element is not a number.
    var numbers: [Double]? {
        switch self {
        case .numbers(let values): return values
        case .number(let value): return [value]
        case .text(let text):
            let parts = text.split(whereSeparator: { "()[], ".contains($0) })
            let numbers = parts.compactMap { Double($0) }
            return numbers.count == parts.count ? numbers : nil
        default: return integers?.map(Double.init)
        }
    }

    /// A tuple such as `(1, 1)`, `[1,1]`, `1` or `()`; nil if an element is not a whole number.
    var integers: [Int]? {
        switch self {
        case .integers(let values): return values
        case .integer(let value): return [value]
        case .text(let text):
            var integers: [Int] = []
            for part in text.split(whereSeparator: { "()[], ".contains($0) }) {
                guard let value = Int(part.hasSuffix("L") ? part.dropLast() : part) else { return nil }
                integers.append(value)
            }
            return integers
        default: return nil
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// Typed reading. Each throws a `ModelError` that names the attribute when its value is of another kind.
extension OrderedDictionary where Key == String, Value == Attribute {
    /// The whole number of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func integer(_ name: String) throws -> Int? { try read(name, \.integer, "a whole number") }
    /// The number of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func number(_ name: String) throws -> Double? { try read(name, \.number, "a number") }
    /// The truth value of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func boolean(_ name: String) throws -> Bool? { try read(name, \.boolean, "True or False") }
    /// The tuple of whole numbers of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func integers(_ name: String) throws -> [Int]? { try read(name, \.integers, "a tuple of whole numbers") }

    /// The tuple of numbers of that name; nil if there is none.
    /// - Throws: `ModelError` if it is something else.
    public func numbers(_ name: String) throws -> [Double]? { try read(name, \.numbers, "a tuple of numbers") }

    /// A tuple whose elements may be `None`, as the ends of slices are: `(0, None, -1)`.
    public func optionalIntegers(_ name: String) throws -> [Int?]? {
        guard case .text(let text)? = self[name], text != "None", text.contains("None") else {
            return try integers(name)
        }
        return try text.split(whereSeparator: { "()[], ".contains($0) }).map { part -> Int? in
            if part == "None" { return nil }
            guard let value = Int(part) else {
                throw ModelError("\(name)=\"\(text)\" is not a tuple of whole numbers and None")
            }
            return value
        }
    }

    /// Sizes, strides and paddings: whole numbers of 0 to 2^30, so that sums and products of them do not overflow.
    public func extents(_ name: String) throws -> [Int]? {
        guard let values = try integers(name) else { return nil }
        guard values.allSatisfy({ 0...(1 << 30) ~= $0 }) else {
            throw ModelError("\(name)=(\(values.commaSeparated)) is out of range")
        }
        return values
    }

    /// The text of an attribute, whatever its kind.
    public func text(_ name: String) -> String? { self[name]?.description }

    /// One of the raw values of an enumeration, or `fallback` if the attribute is absent.
    public func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, default fallback: Choice) throws
        -> Choice
    where Choice.RawValue == String {
        guard let text = text(name) else { return fallback }
        if let choice = Choice(rawValue: text) { return choice }
        throw ModelError(
            "\(name)=\"\(text)\" is not known",
            advice: "expected \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    private func read<Result>(_ name: String, _ path: (Attribute) -> Result?, _ expected: String) throws -> Result? {
        guard let attribute = self[name], attribute != .text("None") else { return nil }
        guard let value = path(attribute) else {
            throw ModelError("\(name)=\"\(attribute)\" is not \(expected)")
        }
        return value
    }
}
