import OrderedCollections
import TensorCore

/// Types, grids, attributes and elements in the text of a graph.
extension GraphParser {
    /// Elements that the text leaves out are zeros, but a short text shall not fill the memory with them.
    private static let zerosLimit = 1 << 26

    mutating func type() throws -> ValueType {
        let name = try word("an element type")
        guard let dataType = DataType(rawValue: name) else {
            throw ModelError(
                "'\(name)' is not an element type",
                advice: "expected \(DataType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var type = ValueType(dataType, nil)
        if token == .mark("[") { type.shape = try Shape(checking: try bracketed { try $0.integer() }) }
        if try accept("@") { type.quantization = try accept("?") ? .foundAtRunTime : .known(try grid(of: dataType)) }
        if let shape = type.shape, let grid = type.quantization?.grid, let axis = grid.axis {
            guard shape.dimensions.indices.contains(axis), shape[axis] == grid.steps.count else {
                throw ModelError("\(grid.steps.count) steps do not fit axis \(axis) of \(shape)")
            }
        }
        return type
    }

    private mutating func grid(of dataType: DataType) throws -> QuantizationGrid {
        let fields = try attributes()
        if let stranger = fields.keys.first(where: { !["range", "steps", "axis", "zero"].contains($0) }) {
            throw ModelError("a grid has no '\(stranger)'", advice: "expected range, steps, axis, zero")
        }
        func floats(_ name: String) throws -> [Float]? {
            switch fields[name] {
            case nil: nil
            case .integers(let values): values.map { Float($0) }
            case .numbers(let values): values.map { Float($0) }
            default: throw ModelError("\(name) is not a list of numbers")
            }
        }
        let range = try floats("range")
        guard range == nil || range?.count == 2 else { throw ModelError("range is not two numbers") }
        let ends = range.map { ValueRange($0[0], $0[1]) }
        guard let steps = try floats("steps") else {
            if let ends { return QuantizationGrid(range: ends, of: dataType) }
            throw ModelError("the grid has neither a range nor steps")
        }
        let axis = try fields.integer("axis")
        guard steps.count == 1 || axis != nil && !steps.isEmpty else {
            throw ModelError("\(steps.count) steps need an axis, and no grid has none")
        }
        var grid = QuantizationGrid(steps: steps, axis: axis, zeroPoint: try fields.integer("zero") ?? 0)
        grid.range = ends
        return grid
    }

    mutating func optionalAttributes() throws -> Attributes { token == .mark("{") ? try attributes() : [:] }

    mutating func attributes() throws -> Attributes {
        var attributes: Attributes = [:]
        for (key, value) in try bracketed("{", "}", { try $0.field() }) {
            guard attributes.updateValue(value, forKey: key) == nil else {
                throw ModelError("attribute '\(key)' is given twice")
            }
        }
        return attributes
    }

    private mutating func field() throws -> (String, Attribute) {
        let key = try word("the name of an attribute")
        try expect("=")
        return (key, try attribute())
    }

    private mutating func attribute() throws -> Attribute {
        switch token {
        case .quoted(let text):
            try advance()
            return .text(text)
        case .mark("["):
            return try listAttribute()
        case .word("integers"):
            try advance()
            return .integers(try bracketed { try $0.integer() })
        case .word("numbers"):
            try advance()
            return .numbers(try bracketed { try $0.number() })
        case .word("strings"):
            try advance()
            return .strings(try bracketed { try $0.word("a text") })
        case .word(let text) where DataType(rawValue: text) != nil:
            let type = try type()
            return .tensor(try elements(of: type, "the tensor"))
        case .word(let text):
            if let integer = Int(text) {
                try advance()
                return .integer(integer)
            }
            return .number(try number())
        default:
            throw unexpected("a number, a text in quotes, a list or a tensor")
        }
    }

    /// A list that is not empty: its elements tell its kind.
    private mutating func listAttribute() throws -> Attribute {
        let tokens = try bracketed { parser in
            let token = parser.token
            _ = try parser.word("a number or a text in quotes")
            return token
        }
        let texts = tokens.compactMap { if case .quoted(let text) = $0 { text } else { nil } }
        let words = tokens.compactMap { if case .word(let text) = $0 { text } else { nil } }
        guard let kind = tokens.first else {
            throw ModelError("an empty list has no kind", advice: "write integers[], numbers[] or strings[]")
        }
        if texts.count == tokens.count { return .strings(texts) }
        let integers = words.compactMap { Int($0) }
        if integers.count == tokens.count { return .integers(integers) }
        let numbers = words.compactMap { Double($0) }
        if numbers.count == tokens.count { return .numbers(numbers) }
        throw ModelError("the list that begins with \(kind.description) is neither all numbers nor all texts")
    }

    /// `(1, 2)`, or `(...)` for zeros.
    mutating func elements(of type: ValueType?, _ what: String) throws -> Tensor {
        guard let type, let shape = type.shape else {
            throw ModelError("\(what) has no type or no shape", advice: "write one such as float32[2, 3]")
        }
        let words = try bracketed("(", ")") { try $0.word("a number") }
        guard words == ["..."] else {
            return try Tensor(elementWords: words, type: TensorType(type.dataType, shape))
        }
        guard shape.elementCount <= Self.zerosLimit else {
            throw ModelError("\(what) leaves out \(shape.elementCount) elements; \(Self.zerosLimit) are the limit")
        }
        return Tensor(zeros: TensorType(type.dataType, shape))
    }

    private mutating func integer() throws -> Int {
        guard case .word(let text) = token, let value = Int(text) else { throw unexpected("a whole number") }
        try advance()
        return value
    }

    private mutating func number() throws -> Double {
        guard case .word(let text) = token, let value = Double(text) else { throw unexpected("a number") }
        try advance()
        return value
    }
}
