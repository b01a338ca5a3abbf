/// A dense, row-major array: a type, a shape and a slice of a storage. Copying one never copies elements.
public struct Tensor: Sendable {
    /// The type of the elements as they are stored.
    public let dataType: DataType
    /// Extents, outermost axis first; elements lie one after the other, the innermost axis fastest.
    public let shape: Shape
    /// The bytes of the elements.
    public let storage: TensorStorage
    /// Where the first element lies in `storage`; need not be aligned.
    public let byteOffset: Int

    /// A view of `storage`.
    /// - Throws: `ModelError` if the storage ends before the last element.
    public init(dataType: DataType, shape: Shape, storage: TensorStorage, byteOffset: Int) throws {
        guard byteOffset >= 0, byteOffset <= storage.bytes.count,
            shape.elementCount <= (storage.bytes.count - byteOffset) / dataType.byteWidth
        else {
            throw ModelError(
                "\(shape.elementCount) \(dataType) values are claimed, but "
                    + "\(max(0, storage.bytes.count - byteOffset)) bytes remain", advice: "the file looks truncated")
        }
        self.init(unchecked: dataType, shape, storage, byteOffset)
    }

    private init(unchecked dataType: DataType, _ shape: Shape, _ storage: TensorStorage, _ byteOffset: Int) {
        self.dataType = dataType
        self.shape = shape
        self.storage = storage
        self.byteOffset = byteOffset
    }

    /// A new tensor whose bytes `fill` writes; it gets them uninitialized.
    public init(dataType: DataType, shape: Shape, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let storage = try TensorStorage(byteCount: shape.elementCount * dataType.byteWidth, fill)
        self.init(unchecked: dataType, shape, storage, 0)
    }

    /// A new tensor whose elements `fill` writes; it gets them uninitialized.
    public init<Element: TensorElement>(
        shape: Shape, of type: Element.Type, fill: (UnsafeMutableBufferPointer<Element>) throws -> Void
    ) rethrows {
        try self.init(dataType: Element.dataType, shape: shape) { try fill($0.bindMemory(to: Element.self)) }
    }

    /// A new tensor of the given elements, in row-major order. There must be as many as the shape says.
    public init<Element: TensorElement>(_ elements: [Element], shape: Shape) {
        precondition(elements.count == shape.elementCount, "elements do not fill the shape")
        self.init(shape: shape, of: Element.self) { _ = $0.initialize(from: elements) }
    }

    /// A vector.
    public init<Element: TensorElement>(_ elements: [Element]) { self.init(elements, shape: [elements.count]) }

    /// A single element, of rank 0.
    public init<Element: TensorElement>(scalar: Element) { self.init([scalar], shape: []) }

    /// How many elements.
    public var elementCount: Int { shape.elementCount }
    /// How many bytes they take.
    public var byteCount: Int { shape.elementCount * dataType.byteWidth }

    /// The elements' bytes, as they lie in the storage.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let start = storage.bytes.baseAddress.map { $0 + byteOffset }
        return try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(start: start, count: byteCount)) }
    }

    /// The elements, where `Element` is the type that the tensor has. Copies them only if they are not aligned.
    public func withElements<Element: TensorElement, Result>(
        as type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(Element.dataType == dataType, "a \(dataType) tensor was read as \(Element.dataType)")
        return try withBytes { bytes in
            if Int(bitPattern: bytes.baseAddress) % MemoryLayout<Element>.alignment == 0 {
                return try body(bytes.bindMemory(to: Element.self))
            }
            return try aligned().withBytes { try body($0.bindMemory(to: Element.self)) }
        }
    }

    /// The elements as an array, where `Element` is the type that the tensor has.
    public func elements<Element: TensorElement>(as type: Element.Type) -> [Element] {
        withElements(as: type) { Array($0) }
    }

    /// The same elements under another shape with as many of them.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(shape.elementCount == self.shape.elementCount, "reshaping \(self.shape) to \(shape)")
        return Tensor(unchecked: dataType, shape, storage, byteOffset)
    }

    /// The same bytes seen as another type of the same width.
    public func reinterpreted(as type: DataType) -> Tensor {
        precondition(type.byteWidth == dataType.byteWidth, "reinterpreting \(dataType) as \(type)")
        return Tensor(unchecked: type, shape, storage, byteOffset)
    }

    /// The bytes as a uint8 tensor of one axis, sharing the storage.
    public func asBytes() -> Tensor { Tensor(unchecked: .uint8, [byteCount], storage, byteOffset) }

    /// The rows `range` of the outermost axis, sharing the storage.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows out of range")
        let rowBytes = shape[0] == 0 ? 0 : byteCount / shape[0]
        return Tensor(
            unchecked: dataType, shape.replacing(axis: 0, with: range.count), storage,
            byteOffset + range.lowerBound * rowBytes)
    }

    /// The tensors one after the other along the outermost axis. They must agree in type and in all other axes.
    public static func concatenatingRows(_ parts: [Tensor]) -> Tensor {
        if parts.count == 1 { return parts[0] }
        let shape = parts[0].shape.replacing(axis: 0, with: parts.reduce(0) { $0 + $1.shape[0] })
        return Tensor(dataType: parts[0].dataType, shape: shape) { target in
            var offset = 0
            for part in parts {
                part.withBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: $0) }
                offset += part.byteCount
            }
        }
    }

    private func aligned() -> Tensor {
        Tensor(dataType: dataType, shape: shape) { target in withBytes { target.copyMemory(from: $0) } }
    }
}

extension Tensor: Equatable {
    /// Same type, same shape, same bits.
    public static func == (a: Tensor, b: Tensor) -> Bool {
        a.dataType == b.dataType && a.shape == b.shape
            && a.withBytes { x in b.withBytes { y in x.elementsEqual(y) } }
    }
}
