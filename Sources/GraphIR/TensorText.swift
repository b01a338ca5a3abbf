import TensorCore

/// Elements of a tensor as words that read back to the same bits (NaN payloads aside): decimal numbers, booleans as 0
/// and 1, and the 16-bit floats as their bit pattern, `0x3c00`.
extension Tensor {
    var elementWords: [String] {
        switch dataType {
        case .float32: words(of: Float.self)
        case .float64: words(of: Double.self)
        case .float16, .bfloat16:
            reinterpreted(as: .uint16).elements(as: UInt16.self).map { "0x" + String($0, radix: 16) }
        case .int8: words(of: Int8.self)
        case .uint8: words(of: UInt8.self)
        case .int16: words(of: Int16.self)
        case .uint16: words(of: UInt16.self)
        case .int32: words(of: Int32.self)
        case .uint32: words(of: UInt32.self)
        case .int64: words(of: Int64.self)
        case .uint64: words(of: UInt64.self)
        case .bool: reinterpreted(as: .uint8).words(of: UInt8.self)
        }
    }

    /// The tensor whose `elementWords` are `words`.
    /// - Throws: `ModelError` if there are more or fewer than the shape asks for, or one is not of the type.
    init(elementWords words: [String], type: TensorType) throws {
        guard words.count == type.shape.elementCount else {
            throw ModelError("\(type) has \(type.shape.elementCount) elements, but \(words.count) are given")
        }
        func read<Element: TensorElement>(_ parse: (String) -> Element?) throws -> Tensor {
            let elements = try words.map { word in
                guard let element = parse(word) else { throw ModelError("'\(word)' is not a \(type.dataType)") }
                return element
            }
            return Tensor(elements, shape: type.shape)
        }
        func bits(_ word: String) -> UInt16? { word.hasPrefix("0x") ? UInt16(word.dropFirst(2), radix: 16) : nil }
        self = switch type.dataType {
        case .float32: try read { Float($0) }
        case .float64: try read { Double($0) }
        case .float16, .bfloat16: try read(bits).reinterpreted(as: type.dataType)
        case .int8: try read { Int8($0) }
        case .uint8: try read { UInt8($0) }
        case .int16: try read { Int16($0) }
        case .uint16: try read { UInt16($0) }
        case .int32: try read { Int32($0) }
        case .uint32: try read { UInt32($0) }
        case .int64: try read { Int64($0) }
        case .uint64: try read { UInt64($0) }
        case .bool: try read { ["0": false, "1": true][$0] }
        }
    }

    /// The tensor whose elements are all zero.
    init(zeros type: TensorType) {
        self.init(dataType: type.dataType, shape: type.shape) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }

    private func words<Element: TensorElement & CustomStringConvertible>(of type: Element.Type) -> [String] {
        elements(as: type).map(\.description)
    }
}
