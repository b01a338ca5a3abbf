/// What a `.npy` file says of its elements, as the literal of a Python dictionary:
///
///     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
///
/// `descr` is byte order (`<`, `>`, `=` native, `|` none), kind and byte width. Source: NumPy documentation,
/// "numpy.lib.format" and "The array interface protocol" (`typestr`).
struct NumPyHeader {
    var type: TensorType
    /// The elements lie first axis fastest.
    var isFortranOrder = false
    var isBigEndian = false

    init(_ type: TensorType) { self.type = type }

    /// - Throws: `ModelError` for text that is no such dictionary, and for element types without a `DataType`.
    init(parsing text: String) throws {
        var literal = PythonLiteral(text)
        var descriptor: String?, order: Bool?, dimensions: [Int]?
        try literal.require("{")
        while !literal.take("}") {
            let key = try literal.string()
            try literal.require(":")
            switch key {
            case "descr": descriptor = try literal.elementType()
            case "fortran_order": order = try literal.boolean()
            case "shape": dimensions = try literal.integers()
            default: throw ModelError("key '\(key)' is not known; expected descr, fortran_order and shape")
            }
            if !literal.take(",") {
                try literal.require("}")
                break
            }
        }
        guard let descriptor, let order, let dimensions else {
            throw ModelError("one of descr, fortran_order and shape is missing")
        }
        guard dimensions.count <= 64 else {
            throw ModelError("the shape has \(dimensions.count) dimensions; NumPy has at most 64")
        }
        guard let dataType = DataType(numPyCode: descriptor.dropFirst()), "<>=|".contains(descriptor.prefix(1)) else {
            throw ModelError(
                "element type '\(descriptor)' is not supported",
                advice: "save it as one of \(DataType.allCases.map(\.rawValue).commaSeparated)")
        }
        type = TensorType(dataType, try Shape(checking: dimensions))
        isFortranOrder = order
        isBigEndian = descriptor.hasPrefix(">")
    }

    var text: String {
        let order = type.dataType.byteWidth == 1 ? "|" : "<"
        let shape = type.shape.dimensions.commaSeparated + (type.shape.rank == 1 ? "," : "")
        return "{'descr': '\(order)\(type.dataType.numPyCode)', 'fortran_order': \(isFortranOrder ? "True" : "False"), "
            + "'shape': (\(shape)), }"
    }

    /// The elements of `stored`, which lie as this header says, as a tensor has them.
    func rearranged(_ stored: Tensor) -> Tensor {
        let strides: [Int]
        if isFortranOrder && type.shape.dimensions.count(where: { $0 != 1 }) > 1 {
            strides = Shape(type.shape.dimensions.reversed()).strides.reversed()
        } else if isBigEndian && type.dataType.byteWidth > 1 {
            strides = type.shape.strides
        } else {
            return stored
        }
        return switch type.dataType.byteWidth {
        case 1: gathered(stored, strides, as: UInt8.self)
        case 2: gathered(stored, strides, as: UInt16.self)
        case 4: gathered(stored, strides, as: UInt32.self)
        default: gathered(stored, strides, as: UInt64.self)
        }
    }

    private func gathered<Word: FixedWidthInteger>(_ stored: Tensor, _ strides: [Int], as word: Word.Type) -> Tensor {
        let dimensions = type.shape.dimensions
        return Tensor(dataType: type.dataType, shape: type.shape) { target in
            stored.withBytes { source in
                let width = MemoryLayout<Word>.size
                var index = [Int](repeating: 0, count: dimensions.count), from = 0
                for to in 0..<type.shape.elementCount {
                    let value = source.loadUnaligned(fromByteOffset: from * width, as: Word.self)
                    target.storeBytes(
                        of: isBigEndian ? value.byteSwapped : value, toByteOffset: to * width, as: Word.self)
                    // Counts the index up by one, last axis fastest.
                    var axis = dimensions.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        from += strides[axis]
                        if index[axis] < dimensions[axis] { break }
                        from -= index[axis] * strides[axis]
                        index[axis] = 0
                        axis -= 1
                    }
                }
            }
        }
    }
}

extension DataType {
    /// Kind and byte width, as NumPy writes them: `f4`.
    var numPyCode: String {
        switch self {
        case .float32, .float64, .float16: "f\(byteWidth)"
        // What NumPy makes of the bfloat16 of ml_dtypes: two bytes of which it knows nothing.
        case .bfloat16: "V2"
        case .int8, .int16, .int32, .int64: "i\(byteWidth)"
        case .uint8, .uint16, .uint32, .uint64: "u\(byteWidth)"
        case .bool: "b1"
        }
    }

    init?(numPyCode code: some StringProtocol) {
        guard let type = Self.allCases.first(where: { $0.numPyCode == code }) else { return nil }
        self = type
    }
}

/// Reads the few literals of Python that a header consists of, in order.
private struct PythonLiteral {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    /// Passes over `symbol`, and blanks before it, if it comes next.
    mutating func take(_ symbol: String) -> Bool {
        skipBlanks()
        guard rest.starts(with: symbol.utf8) else { return false }
        rest = rest.dropFirst(symbol.utf8.count)
        return true
    }

    mutating func require(_ symbol: String) throws { if !take(symbol) { throw expected("'\(symbol)'") } }

    mutating func string() throws -> String {
        for quote in ["'", "\""] where take(quote) {
            let content = rest.prefix { $0 != quote.utf8.first }
            rest = rest.dropFirst(content.count)
            try require(quote)
            return String(decoding: content, as: UTF8.self)
        }
        throw expected("a string")
    }

    /// `'<f4'`; or `[('bfloat16', '<u2')]`, with which MXNet 2.0 says what NumPy has no name for.
    mutating func elementType() throws -> String {
        guard take("[") else { return try string() }
        try require("(")
        let name = try string()
        try require(",")
        let type = try string()
        guard take(")"), take("]"), name == "bfloat16" else {
            throw ModelError("element type [('\(name)', '\(type)'…] is not supported: it has fields")
        }
        return "<" + DataType.bfloat16.numPyCode
    }

    mutating func boolean() throws -> Bool {
        if take("True") { return true }
        if take("False") { return false }
        throw expected("True or False")
    }

    /// `()`, `(3,)`, `(3, 4)`.
    mutating func integers() throws -> [Int] {
        try require("(")
        var values: [Int] = []
        while !take(")") {
            skipBlanks()
            let digits = rest.prefix { (0x30...0x39).contains($0) || $0 == 0x2D }
            guard let value = Int(String(decoding: digits, as: UTF8.self)) else { throw expected("an integer") }
            rest = rest.dropFirst(digits.count)
            // Python 2 marked its long integers.
            _ = take("L")
            values.append(value)
            if !take(",") {
                try require(")")
                break
            }
        }
        return values
    }

    private mutating func skipBlanks() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }

    private func expected(_ what: String) -> ModelError {
        let found = String(decoding: rest.prefix(20), as: UTF8.self)
        return ModelError("expected \(what) before '\(found)'", advice: "the file looks damaged")
    }
}
