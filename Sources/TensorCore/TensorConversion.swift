extension Tensor {
    /// The values as float32: integers and wider floats rounded to nearest, booleans as 0 and 1. Itself if it is float32.
    public func asFloat32() -> Tensor {
        switch dataType {
        case .float32: self
        case .float64: mapped(from: Double.self) { Float($0) }
        case .float16: mapped(from: UInt16.self, bits: true) { Float(halfBits: $0) }
        case .bfloat16: mapped(from: UInt16.self, bits: true) { Float(bitPattern: UInt32($0) << 16) }
        case .int8: mapped(from: Int8.self) { Float($0) }
        case .uint8: mapped(from: UInt8.self) { Float($0) }
        case .int16: mapped(from: Int16.self) { Float($0) }
        case .uint16: mapped(from: UInt16.self) { Float($0) }
        case .int32: mapped(from: Int32.self) { Float($0) }
        case .uint32: mapped(from: UInt32.self) { Float($0) }
        case .int64: mapped(from: Int64.self) { Float($0) }
        case .uint64: mapped(from: UInt64.self) { Float($0) }
        case .bool: mapped(from: UInt8.self, bits: true) { $0 == 0 ? 0 : 1 }
        }
    }

    /// The values as integers, floats truncated toward zero (saturating; NaN is 0): what shapes, axes and labels are read with.
    public func asInts() -> [Int] {
        switch dataType {
        case .int64: elements(as: Int64.self).map(Int.init)
        case .int32: elements(as: Int32.self).map(Int.init)
        case .uint32: elements(as: UInt32.self).map(Int.init)
        case .uint64: elements(as: UInt64.self).map { Int(clamping: $0) }
        case .float64: elements(as: Double.self).map { Int(saturating: $0) }
        default: asFloat32().elements(as: Float.self).map { Int(saturating: Double($0)) }
        }
    }

    /// The values as float32, in row-major order.
    public func floats() -> [Float] { asFloat32().elements(as: Float.self) }

    private func mapped<Source: TensorElement>(
        from: Source.Type, bits: Bool = false, _ convert: (Source) -> Float
    ) -> Tensor {
        let source = bits ? reinterpreted(as: Source.dataType) : self
        return source.withElements(as: Source.self) { values in
            Tensor(shape: shape, of: Float.self) { target in
                for index in values.indices { target[index] = convert(values[index]) }
            }
        }
    }
}

extension Int {
    /// `value` truncated toward zero; the nearest integer beyond the range, 0 for NaN.
    public init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 0x1p63 {
            self = .max
        } else if value <= -0x1p63 {
            self = .min
        } else {
            self = Int(value)
        }
    }
}

extension Float {
    /// The value of an IEEE 754 binary16 (Swift's `Float16` does not exist on every platform that we build for).
    public init(halfBits bits: UInt16) {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 0x1F), fraction = Float(bits & 0x3FF)
        switch exponent {
        case 0: self = sign * fraction * 0x1p-24
        case 31: self = fraction == 0 ? sign * .infinity : .nan
        default: self = sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
        }
    }
}

extension Tensor {
    /// A matrix with rows and columns exchanged. float32.
    public func transposed() -> Tensor {
        let (rows, columns) = (shape[0], shape[1])
        return withElements(as: Float.self) { source in
            Tensor(shape: [columns, rows], of: Float.self) { target in
                for row in 0..<rows {
                    for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
                }
            }
        }
    }
}

extension Tensor {
    /// The first element of a float32 tensor that is NaN or infinite.
    public var firstNonFinite: Int? {
        withBytes { bytes in
            let width = MemoryLayout<UInt32>.size
            // A block at a time without branches; only the block that has one is searched. All bits of the exponent set, plus
            // one, reach the sign.
            for start in stride(from: 0, to: bytes.count, by: Self.checkedBlock) {
                let end = min(start + Self.checkedBlock, bytes.count)
                var found: UInt32 = 0
                for offset in stride(from: start, to: end, by: width) {
                    found |= (bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) & 0x7fff_ffff) &+ 0x0080_0000
                }
                defer { storage.letGo(of: byteOffset + start..<byteOffset + end) }
                guard found >> 31 == 1 else { continue }
                return stride(from: start, to: end, by: width).first {
                    !Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)).isFinite
                }.map { $0 / width }
            }
            return nil
        }
    }

    /// So much of a mapped file is in memory at a time while it is checked.
    private static let checkedBlock = 1 << 20

    /// Lets the system have back the memory that reading the elements from a mapped file took.
    public func letGoOfPages() { storage.letGo(of: byteOffset..<byteOffset + byteCount) }
}
