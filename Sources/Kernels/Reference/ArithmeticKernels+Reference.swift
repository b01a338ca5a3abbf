import TensorCore

// Integers of every width are computed in 64 bits and cut to their width: the lower bits of sums, differences and products
// do not depend on it, and nothing else exceeds its operands. uint64 has arithmetic of its own.

extension UnaryKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let source = operands[0], type = try resultTypes(operands.map(\.type))[0]
        guard !source.dataType.isFloatingPoint else {
            let values = source.floats()
            if function.isQuestion {
                return [Tensor(values.map { function(Double($0)) != 0 }, shape: type.shape)]
            }
            return [Tensor(values.map { Float(function(Double($0))) }, shape: type.shape)]
        }
        if source.dataType == .uint64 { return [Tensor(truncating: values(source, UInt64.self), to: type)] }
        return [Tensor(truncating: values(source, Int64.self), to: type)]
    }

    private func values<Wide: FixedWidthInteger>(_ source: Tensor, _: Wide.Type) -> [Wide] {
        source.integers(as: Wide.self).map { value in
            function.exactly(value) ?? Wide(truncatingIfNeeded: Int(saturating: function(Double(value))))
        }
    }
}

extension BinaryKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        switch operands[0].dataType {
        case let dataType where dataType.isFloatingPoint:
            let a = operands[0].floats().broadcast(from: operands[0].shape, to: type.shape)
            let b = operands[1].floats().broadcast(from: operands[1].shape, to: type.shape)
            if operation.isQuestion {
                return [Tensor(zip(a, b).map { operation.answer($0, $1) }, shape: type.shape)]
            }
            return [Tensor(floats(a, b), shape: type.shape)]
        case .uint64: return [integers(operands, type, UInt64.self)]
        default: return [integers(operands, type, Int64.self)]
        }
    }

    /// The usual ones in loops of their own, which the compiler turns into vector instructions.
    private func floats(_ a: [Float], _ b: [Float]) -> [Float] {
        switch operation {
        case .add: zip(a, b).map { $0 + $1 }
        case .subtract: zip(a, b).map { $0 - $1 }
        case .multiply: zip(a, b).map { $0 * $1 }
        case .divide: zip(a, b).map { $0 / $1 }
        default: zip(a, b).map { operation.value($0, $1) }
        }
    }

    private func integers<Wide: FixedWidthInteger>(_ operands: [Tensor], _ type: TensorType, _: Wide.Type) -> Tensor {
        let a = operands[0].integers(as: Wide.self).broadcast(from: operands[0].shape, to: type.shape)
        let b = operands[1].integers(as: Wide.self).broadcast(from: operands[1].shape, to: type.shape)
        if operation.isQuestion { return Tensor(zip(a, b).map { operation.answer($0, $1) }, shape: type.shape) }
        return Tensor(truncating: zip(a, b).map { operation.value($0, $1) }, to: type)
    }
}

extension SelectKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let type = try resultTypes(operands.map(\.type))[0]
        let isChosen = operands[0].converted(to: .bool).elements(as: Bool.self).broadcast(
            from: operands[0].shape, to: type.shape)
        func choose<Bits: TensorElement>(_: Bits.Type) -> Tensor {
            let choices = operands[1...].map {
                $0.reinterpreted(as: Bits.dataType).elements(as: Bits.self).broadcast(from: $0.shape, to: type.shape)
            }
            let (a, b) = (choices[0], choices[1])
            return Tensor(shape: type.shape, of: Bits.self) { target in
                for index in target.indices { target[index] = isChosen[index] ? a[index] : b[index] }
            }.reinterpreted(as: type.dataType)
        }
        return switch type.dataType.byteWidth {
        case 1: [choose(UInt8.self)]
        case 2: [choose(UInt16.self)]
        case 4: [choose(UInt32.self)]
        default: [choose(UInt64.self)]
        }
    }
}

extension ConvertKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] { [Self.convert(operands[0], to: dataType)] }

    /// Unlike `Tensor.converted`, it wraps around, as C++ does to the values of a model.
    static func convert(_ source: Tensor, to dataType: DataType) -> Tensor {
        if dataType.isFloatingPoint || dataType == .bool || dataType == .uint64 {
            return source.converted(to: dataType)
        }
        let values =
            source.dataType.isFloatingPoint
            ? source.doubles().map { Int64(Int(saturating: $0)) } : source.integers(as: Int64.self)
        return Tensor(truncating: values, to: TensorType(dataType, source.shape))
    }
}

extension Tensor {
    /// The values of integers, extended or cut to the width of `Wide`; booleans as 0 and 1. Floats have none.
    func integers<Wide: FixedWidthInteger>(as _: Wide.Type) -> [Wide] {
        func read<Element: TensorElement & FixedWidthInteger>(_: Element.Type) -> [Wide] {
            withElements(as: Element.self) { $0.map { Wide(truncatingIfNeeded: $0) } }
        }
        return switch dataType {
        case .int8: read(Int8.self)
        case .uint8: read(UInt8.self)
        case .int16: read(Int16.self)
        case .uint16: read(UInt16.self)
        case .int32: read(Int32.self)
        case .uint32: read(UInt32.self)
        case .int64: read(Int64.self)
        case .uint64: read(UInt64.self)
        case .bool: withBytes { $0.map { $0 == 0 ? 0 : 1 } }
        case .float16, .bfloat16, .float32, .float64: []
        }
    }

    /// The lower bits of `values`, as many as the type has; as booleans, whether they are not zero.
    init<Wide: FixedWidthInteger>(truncating values: [Wide], to type: TensorType) {
        func write<Element: TensorElement & FixedWidthInteger>(_: Element.Type) -> Tensor {
            Tensor(values.map { Element(truncatingIfNeeded: $0) }, shape: type.shape)
        }
        self =
            switch type.dataType {
            case .int8: write(Int8.self)
            case .uint8: write(UInt8.self)
            case .int16: write(Int16.self)
            case .uint16: write(UInt16.self)
            case .int32: write(Int32.self)
            case .uint32: write(UInt32.self)
            case .int64: write(Int64.self)
            case .uint64: write(UInt64.self)
            case .bool: Tensor(values.map { $0 != 0 }, shape: type.shape)
            case .float16, .bfloat16, .float32, .float64: write(Int64.self).converted(to: type.dataType)
            }
    }
}

extension Array {
    /// The elements of a tensor, repeated along the axes on which it has extent 1 and `target` has not.
    func broadcast(from shape: Shape, to target: Shape) -> [Element] {
        if shape == target || target.elementCount == 0 { return target.elementCount == 0 ? [] : self }
        if count == 1 { return [Element](repeating: self[0], count: target.elementCount) }
        let missing = target.rank - shape.rank
        let ownStrides = shape.strides
        let strides = target.dimensions.indices.map { axis in
            axis < missing || shape[axis - missing] == 1 ? 0 : ownStrides[axis - missing]
        }
        // A line along the last axis at a time; the others count up like an odometer.
        let line = target[target.rank - 1], step = strides[target.rank - 1]
        var position = [Int](repeating: 0, count: target.rank)
        var offset = 0
        return [Element](unsafeUninitializedCapacity: target.elementCount) { elements, count in
            for start in stride(from: 0, to: target.elementCount, by: line) {
                for index in 0..<line { elements.initializeElement(at: start + index, to: self[offset + index * step]) }
                for axis in (0..<target.rank - 1).reversed() {
                    position[axis] += 1
                    offset += strides[axis]
                    if position[axis] < target[axis] { break }
                    offset -= position[axis] * strides[axis]
                    position[axis] = 0
                }
            }
            count = target.elementCount
        }
    }
}
