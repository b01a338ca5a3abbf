import TensorCore

extension DataType {
    /// The type with a number of MXNet's (mshadow/base.h), as used in `.params` files and in the attributes `dtype` and
    /// `__dtype__`; nil if there is none.
    public init?(mxnetTypeFlag flag: Int) {
        guard let type = Self.allCases.first(where: { $0.mxnetTypeFlag == flag }) else { return nil }
        self = type
    }

    /// MXNet's number for this type.
    public var mxnetTypeFlag: Int {
        switch self {
        case .float32: 0
        case .float64: 1
        case .float16: 2
        case .uint8: 3
        case .int32: 4
        case .int8: 5
        case .int64: 6
        case .bool: 7
        case .int16: 8
        case .uint16: 9
        case .uint32: 10
        case .uint64: 11
        case .bfloat16: 12
        }
    }
}
