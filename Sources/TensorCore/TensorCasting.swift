extension Tensor {
    /// The values as another type, itself if it has that type: fractions are cut off toward zero, what the type cannot
    /// hold becomes the nearest that it can (NaN becomes 0), floats are rounded to nearest even, and what is not zero is
    /// true. Integers never pass through a float.
    public func converted(to type: DataType) -> Tensor {
        if type == dataType { return self }
        if dataType.isFloatingPoint || type.isFloatingPoint { return convertedThroughFloats(to: type) }
        let values = dataType == .uint64 ? nil : asInts()
        return switch type {
        case .int8: cast(values) { Int8(clamping: $0) }
        case .uint8: cast(values) { UInt8(clamping: $0) }
        case .int16: cast(values) { Int16(clamping: $0) }
        case .uint16: cast(values) { UInt16(clamping: $0) }
        case .int32: cast(values) { Int32(clamping: $0) }
        case .uint32: cast(values) { UInt32(clamping: $0) }
        case .int64: cast(values) { Int64($0) }
        case .uint64: cast(values) { UInt64(clamping: $0) }
        default: cast(values) { $0 != 0 }
        }
    }

    private func cast<Element: TensorElement>(_ values: [Int]?, _ convert: (Int) -> Element) -> Tensor {
        Tensor((values ?? asInts()).map(convert), shape: shape)
    }

    private func convertedThroughFloats(to type: DataType) -> Tensor {
        let values = doubles()
        return switch type {
        case .float32: asFloat32()
        case .float64: Tensor(values, shape: shape)
        case .float16: Tensor(values.map { Float($0).halfBits }, shape: shape).reinterpreted(as: .float16)
        case .bfloat16: Tensor(values.map { Float($0).bfloat16Bits }, shape: shape).reinterpreted(as: .bfloat16)
        case .int8: Tensor(values.map { Int8(clamping: Int(saturating: $0)) }, shape: shape)
        case .uint8: Tensor(values.map { UInt8(clamping: Int(saturating: $0)) }, shape: shape)
        case .int16: Tensor(values.map { Int16(clamping: Int(saturating: $0)) }, shape: shape)
        case .uint16: Tensor(values.map { UInt16(clamping: Int(saturating: $0)) }, shape: shape)
        case .int32: Tensor(values.map { Int32(clamping: Int(saturating: $0)) }, shape: shape)
        case .uint32: Tensor(values.map { UInt32(clamping: Int(saturating: $0)) }, shape: shape)
        case .int64: Tensor(values.map { Int64(Int(saturating: $0)) }, shape: shape)
        case .uint64:
            Tensor(
                values.map { $0 < 0x1p63 ? UInt64(clamping: Int(saturating: $0)) : UInt64(min($0, 0x1p64.nextDown)) },
                shape: shape)
        case .bool: Tensor(values.map { $0 != 0 }, shape: shape)
        }
    }

    /// The values as float64: exact for all types but the largest 64-bit integers.
    public func doubles() -> [Double] {
        switch dataType {
        case .float64: elements(as: Double.self)
        case .int64: elements(as: Int64.self).map(Double.init)
        case .uint64: elements(as: UInt64.self).map(Double.init)
        case .int32: elements(as: Int32.self).map(Double.init)
        case .uint32: elements(as: UInt32.self).map(Double.init)
        default: floats().map(Double.init)
        }
    }
}

extension Float {
    /// The nearest bfloat16, ties to even: the upper half of the bits.
    public var bfloat16Bits: UInt16 {
        if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
        let bits = bitPattern
        return UInt16((UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16)
    }

    /// The nearest IEEE 754 binary16, ties to even.
    public var halfBits: UInt16 {
        let sign: UInt16 = self.sign == .minus ? 0x8000 : 0
        if isNaN { return sign | 0x7E00 }
        let size = magnitude
        if size >= 65520 { return sign | 0x7C00 }
        // Below the smallest normal number, steps are 2⁻²⁴.
        if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
        let exponent = size.exponent
        let fraction = ((size.significand - 1) * 1024).rounded(.toNearestOrEven)
        // A fraction that rounds up to 1024 carries into the exponent, as it should.
        return sign | (UInt16(Int(exponent) + 15) << 10) + UInt16(fraction)
    }
}
