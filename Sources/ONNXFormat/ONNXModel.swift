/// An ONNX file: a graph of nodes, and what the file says about itself.
///
/// The types of this folder mirror the messages of the ONNX IR specification (Schemas/onnx.proto) one to one, without
/// judging them: an operator that nobody knows, or a graph that makes no sense, can be read and written back. Texts
/// that a file leaves out are empty.
public struct ONNXModel: Sendable, Equatable {
    /// The version of the format.
    public var irVersion: Int
    /// Which version of which family of operators the nodes mean.
    public var opsetImports: [ONNXOpset]
    /// What wrote the file.
    public var producerName: String
    /// The version of what wrote it.
    public var producerVersion: String
    /// Whose model it is, as a name of the reversed internet.
    public var domain: String
    /// The maker's number.
    public var modelVersion: Int
    /// A comment of the file.
    public var docString: String
    /// Properties of the file.
    public var metadata: [ONNXProperty]
    /// What is computed.
    public var graph: ONNXGraph
    /// Operators that the file brings along.
    public var functions: [ONNXFunction]

    public init(
        irVersion: Int, opsetImports: [ONNXOpset], producerName: String = "", producerVersion: String = "",
        domain: String = "", modelVersion: Int = 0, docString: String = "", metadata: [ONNXProperty] = [],
        graph: ONNXGraph, functions: [ONNXFunction] = []
    ) {
        self.irVersion = irVersion
        self.opsetImports = opsetImports
        self.producerName = producerName
        self.producerVersion = producerVersion
        self.domain = domain
        self.modelVersion = modelVersion
        self.docString = docString
        self.metadata = metadata
        self.graph = graph
        self.functions = functions
    }

    /// The version of a family of operators that the model imports; nil if it imports none. `ai.onnx` has two names.
    public func opsetVersion(domain: String = "") -> Int? {
        func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }
        return opsetImports.first { canonical($0.domain) == canonical(domain) }?.version
    }
}

/// A version of a family of operators; the family without a name is ai.onnx.
public struct ONNXOpset: Sendable, Hashable {
    /// Empty for the operators of ONNX itself.
    public var domain: String
    /// The number of the operator set.
    public var version: Int

    /// The operators of a domain; by default ONNX's own.
    public init(domain: String = "", version: Int) {
        self.domain = domain
        self.version = version
    }
}

/// A key and its value (StringStringEntryProto).
public struct ONNXProperty: Sendable, Hashable {
    /// Its name.
    public var key: String
    /// Its text.
    public var value: String

    /// A property.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// An operator that the model brings along as nodes of others.
public struct ONNXFunction: Sendable, Equatable {
    public var name: String
    /// Whose function it is.
    public var domain: String
    /// Tells functions of one name apart.
    public var overload: String = ""
    /// Names of values.
    public var inputs: [String] = []
    /// Names of values.
    public var outputs: [String] = []
    /// The attributes that a caller must give.
    public var attributes: [String] = []
    /// The attributes that a caller may leave out, with what they are then.
    public var attributeDefaults: [ONNXAttribute] = []
    /// In an order in which they can be computed.
    public var nodes: [ONNXNode] = []
    /// The operator sets that the body uses.
    public var opsetImports: [ONNXOpset] = []
    /// Types of values of the body.
    public var valueInfo: [ONNXValueInfo] = []
    /// A comment of the file.
    public var docString: String = ""
    /// Properties of the file.
    public var metadata: [ONNXProperty] = []

    /// A function without a body yet.
    public init(domain: String, name: String) {
        self.domain = domain
        self.name = name
    }
}
