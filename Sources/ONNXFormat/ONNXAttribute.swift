/// One named setting of a node.
public struct ONNXAttribute: Sendable, Equatable {
    public var name: String
    /// What it says.
    public var value: Value
    /// A comment of the file.
    public var docString: String

    /// An attribute of a node.
    public init(_ name: String, _ value: Value, docString: String = "") {
        self.name = name
        self.value = value
        self.docString = docString
    }

    /// What an attribute may be.
    public indirect enum Value: Sendable, Equatable {
        case float(Float)
        case int(Int)
        /// Usually UTF-8, but ONNX does not promise it; see `text`.
        case string([UInt8])
        case tensor(ONNXTensor)
        case graph(ONNXGraph)
        case sparseTensor(ONNXSparseTensor)
        case type(ONNXType)
        case floats([Float])
        case ints([Int])
        case strings([[UInt8]])
        case tensors([ONNXTensor])
        case graphs([ONNXGraph])
        case sparseTensors([ONNXSparseTensor])
        case types([ONNXType])
        /// Inside a function: whatever the caller gives for the function's attribute of that name.
        case reference(String, to: Kind)

        /// Text, as its bytes in UTF-8.
        public static func string(_ text: String) -> Value { .string(Array(text.utf8)) }
        /// Texts, as their bytes in UTF-8.
        public static func strings(_ texts: [String]) -> Value { .strings(texts.map { Array($0.utf8) }) }
    }

    /// What an attribute holds. The numbers are those of AttributeProto.AttributeType.
    public enum Kind: Int32, Sendable, Hashable {
        case undefined = 0, float, int, string, tensor, graph, floats, ints, strings, tensors, graphs
        case sparseTensor, sparseTensors, type, types
    }
}

extension ONNXAttribute.Value {
    /// ONNX's number of the kind.
    public var kind: ONNXAttribute.Kind {
        switch self {
        case .float: .float
        case .int: .int
        case .string: .string
        case .tensor: .tensor
        case .graph: .graph
        case .sparseTensor: .sparseTensor
        case .type: .type
        case .floats: .floats
        case .ints: .ints
        case .strings: .strings
        case .tensors: .tensors
        case .graphs: .graphs
        case .sparseTensors: .sparseTensors
        case .types: .types
        case .reference(_, let kind): kind
        }
    }

    /// The string as text, with what is not UTF-8 replaced; nil for the other kinds.
    public var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }
}
