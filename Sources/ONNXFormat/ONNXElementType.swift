import TensorCore

/// What the elements of an ONNX tensor are. The numbers are those of TensorProto.DataType.
public enum ONNXElementType: Int32, Sendable, Hashable, CaseIterable {
    case undefined = 0
    case float32 = 1, uint8, int8, uint16, int16, int32, int64, string, bool, float16, float64, uint32, uint64
    case complex64 = 14, complex128, bfloat16
    case float8E4M3FN = 17, float8E4M3FNUZ, float8E5M2, float8E5M2FNUZ
    case uint4 = 21, int4, float4E2M1, float8E8M0, uint2, int2

    /// The element type of tensors of a `DataType`.
    public init(_ dataType: DataType) {
        switch dataType {
        case .float32: self = .float32
        case .float64: self = .float64
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .int16: self = .int16
        case .uint16: self = .uint16
        case .int32: self = .int32
        case .uint32: self = .uint32
        case .int64: self = .int64
        case .uint64: self = .uint64
        case .bool: self = .bool
        }
    }

    /// The `DataType` with the same values; nil for strings, complex numbers, 8-bit floats and what is below 8 bits.
    public var dataType: DataType? {
        DataType.allCases.first { ONNXElementType($0) == self }
    }

    /// The bytes that the elements of `shape` take; nil for strings.
    func byteCount(of shape: Shape) -> Int? {
        // `Shape` leaves room for 16 bytes an element; only their number of bits could overflow.
        bitWidth.map { $0 >= 8 ? shape.elementCount * ($0 / 8) : (shape.elementCount * $0 + 7) / 8 }
    }

    /// The bits of one element where elements lie side by side; several may share a byte. Nil for strings, which
    /// have no fixed width.
    public var bitWidth: Int? {
        switch self {
        case .string: nil
        case .undefined: 0
        case .uint2, .int2: 2
        case .uint4, .int4, .float4E2M1: 4
        case .uint8, .int8, .bool, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0: 8
        case .uint16, .int16, .float16, .bfloat16: 16
        case .float32, .int32, .uint32: 32
        case .float64, .int64, .uint64, .complex64: 64
        case .complex128: 128
        }
    }
}
