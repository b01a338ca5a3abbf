/// Nodes in an order in which every value is made before it is used. Values are known by their names.
public struct ONNXGraph: Sendable, Equatable {
    public var name: String
    /// In an order in which they can be computed.
    public var nodes: [ONNXNode]
    /// Constants. One that has the name of an input is that input's default.
    public var initializers: [ONNXTensor]
    /// Constants of which few elements are not zero.
    public var sparseInitializers: [ONNXSparseTensor]
    /// What has to be given; constants may be among them.
    public var inputs: [ONNXValueInfo]
    /// What the graph is for.
    public var outputs: [ONNXValueInfo]
    /// Types of values between the nodes, as far as the file states them.
    public var valueInfo: [ONNXValueInfo]
    /// Scales and zero points that some tools note.
    public var quantizationAnnotations: [ONNXQuantizationAnnotation]
    /// A comment of the file.
    public var docString: String
    /// Properties of the file.
    public var metadata: [ONNXProperty]

    public init(
        name: String, nodes: [ONNXNode] = [], initializers: [ONNXTensor] = [],
        sparseInitializers: [ONNXSparseTensor] = [], inputs: [ONNXValueInfo] = [], outputs: [ONNXValueInfo] = [],
        valueInfo: [ONNXValueInfo] = [], quantizationAnnotations: [ONNXQuantizationAnnotation] = [],
        docString: String = "", metadata: [ONNXProperty] = []
    ) {
        self.name = name
        self.nodes = nodes
        self.initializers = initializers
        self.sparseInitializers = sparseInitializers
        self.inputs = inputs
        self.outputs = outputs
        self.valueInfo = valueInfo
        self.quantizationAnnotations = quantizationAnnotations
        self.docString = docString
        self.metadata = metadata
    }
}

/// One call of an operator.
public struct ONNXNode: Sendable, Equatable {
    public var name: String
    /// The name of the operator.
    public var opType: String
    /// The family of the operator; empty for ai.onnx.
    public var domain: String
    /// Which of several functions of the same name is meant.
    public var overload: String
    /// Names of values; an empty one stands for an optional input that is left out.
    public var inputs: [String]
    /// Names of values; empty for one that nobody wants.
    public var outputs: [String]
    /// The parameters of the operator.
    public var attributes: [ONNXAttribute]
    /// A comment of the file.
    public var docString: String
    /// Properties of the file.
    public var metadata: [ONNXProperty]

    public init(
        _ opType: String, name: String = "", domain: String = "", overload: String = "", inputs: [String],
        outputs: [String], attributes: [ONNXAttribute] = [], docString: String = "", metadata: [ONNXProperty] = []
    ) {
        self.opType = opType
        self.name = name
        self.domain = domain
        self.overload = overload
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
        self.docString = docString
        self.metadata = metadata
    }

    /// The value of the attribute of that name; nil if the node does not set it.
    public func attribute(_ name: String) -> ONNXAttribute.Value? {
        attributes.first { $0.name == name }?.value
    }
}

/// The name of a value and what is known of its type.
public struct ONNXValueInfo: Sendable, Equatable {
    public var name: String
    /// Nil if the file does not say it.
    public var type: ONNXType?
    /// A comment of the file.
    public var docString: String
    /// Properties of the file.
    public var metadata: [ONNXProperty]

    /// A value of that type.
    public init(name: String, type: ONNXType?, docString: String = "", metadata: [ONNXProperty] = []) {
        self.name = name
        self.type = type
        self.docString = docString
        self.metadata = metadata
    }
}

/// Which tensors hold the scale (`SCALE_TENSOR`) and the zero point (`ZERO_POINT_TENSOR`) of a value.
public struct ONNXQuantizationAnnotation: Sendable, Equatable {
    /// The value that it is about.
    public var tensorName: String
    /// Names of the tensors that hold scale and zero point.
    public var parameters: [ONNXProperty]

    /// A note on a value.
    public init(tensorName: String, parameters: [ONNXProperty]) {
        self.tensorName = tensorName
        self.parameters = parameters
    }
}
