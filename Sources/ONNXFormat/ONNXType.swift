/// The type of a value. Denotations (hints such as "this axis is the batch") are not kept.
public indirect enum ONNXType: Sendable, Hashable {
    /// Without a shape, not even the rank is known.
    case tensor(ONNXElementType, shape: [ONNXDimension]?)
    case sparseTensor(ONNXElementType, shape: [ONNXDimension]?)
    case sequence(of: ONNXType?)
    case optional(of: ONNXType?)
    case map(key: ONNXElementType, value: ONNXType?)
    case opaque(domain: String, name: String)
}

/// The extent of a tensor along one axis.
public enum ONNXDimension: Sendable, Hashable {
    case known(Int)
    /// The same unknown number wherever the name occurs.
    case symbolic(String)
    case unknown
}

extension ONNXDimension: CustomStringConvertible {
    public var description: String {
        switch self {
        case .known(let extent): String(extent)
        case .symbolic(let name): name
        case .unknown: "?"
        }
    }
}
