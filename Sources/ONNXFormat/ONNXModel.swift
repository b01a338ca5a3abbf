/// An ONNX file: a graph of nodes, and what the file says about itself.
///
/// The types of this folder mirror the messages of the ONNX IR specification (Schemas/onnx.proto) one to one, without
/// judging them: an operator that nobody knows, or a graph that makes no sense, can be read and written back. Texts
/// that a file leaves out are empty.
public struct ONNXModel: Sendable, Equatable {
    public var irVersion: Int
    /// Which version of which family of operators the nodes mean.
    public var opsetImports: [ONNXOpset]
    public var producerName: String
    public var producerVersion: String
    public var domain: String
    public var modelVersion: Int
    public var docString: String
    public var metadata: [ONNXProperty]
    public var graph: ONNXGraph
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
    public var domain: String
    public var version: Int

    public init(domain: String = "", version: Int) {
        self.domain = domain
        self.version = version
    }
}

/// A key and its value (StringStringEntryProto).
public struct ONNXProperty: Sendable, Hashable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// An operator that the model brings along as nodes of others.
public struct ONNXFunction: Sendable, Equatable {
    public var name: String
    public var domain: String
    public var overload: String = ""
    public var inputs: [String] = []
    public var outputs: [String] = []
    /// The attributes that a caller must give.
    public var attributes: [String] = []
    /// The attributes that a caller may leave out, with what they are then.
    public var attributeDefaults: [ONNXAttribute] = []
    public var nodes: [ONNXNode] = []
    public var opsetImports: [ONNXOpset] = []
    public var valueInfo: [ONNXValueInfo] = []
    public var docString: String = ""
    public var metadata: [ONNXProperty] = []

    public init(domain: String, name: String) {
        self.domain = domain
        self.name = name
    }
}
