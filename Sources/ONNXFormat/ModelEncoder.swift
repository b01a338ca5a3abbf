import TensorCore

/// Lays out the messages of a model. The numbers are the field numbers of Schemas/onnx.proto.
struct ModelEncoder {
    /// Takes the initializers that go to another file.
    let external: ExternalDataWriter?

    static func encode(_ model: ONNXModel, external: ExternalDataWriter?) -> WireMessage {
        ModelEncoder(external: external).model(model)
    }

    private func model(_ model: ONNXModel) -> WireMessage {
        var message = WireMessage()
        message.add(1, int: model.irVersion)
        message.add(2, optional: model.producerName)
        message.add(3, optional: model.producerVersion)
        message.add(4, optional: model.domain)
        if model.modelVersion != 0 { message.add(5, int: model.modelVersion) }
        message.add(6, optional: model.docString)
        message.add(7, message: graph(model.graph))
        for opset in model.opsetImports { message.add(8, message: self.opset(opset)) }
        for property in model.metadata { message.add(14, message: self.property(property)) }
        for function in model.functions { message.add(25, message: self.function(function)) }
        return message
    }

    private func opset(_ opset: ONNXOpset) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: opset.domain)
        message.add(2, int: opset.version)
        return message
    }

    private func property(_ property: ONNXProperty) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: property.key)
        message.add(2, string: property.value)
        return message
    }

    private func function(_ function: ONNXFunction) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: function.name)
        for input in function.inputs { message.add(4, string: input) }
        for output in function.outputs { message.add(5, string: output) }
        for attribute in function.attributes { message.add(6, string: attribute) }
        for node in function.nodes { message.add(7, message: self.node(node)) }
        message.add(8, optional: function.docString)
        for opset in function.opsetImports { message.add(9, message: self.opset(opset)) }
        message.add(10, string: function.domain)
        for attribute in function.attributeDefaults { message.add(11, message: self.attribute(attribute)) }
        for info in function.valueInfo { message.add(12, message: valueInfo(info)) }
        message.add(13, optional: function.overload)
        for property in function.metadata { message.add(14, message: self.property(property)) }
        return message
    }

    private func graph(_ graph: ONNXGraph) -> WireMessage {
        var message = WireMessage()
        for node in graph.nodes { message.add(1, message: self.node(node)) }
        message.add(2, string: graph.name)
        for tensor in graph.initializers { message.add(5, message: initializer(tensor)) }
        message.add(10, optional: graph.docString)
        for input in graph.inputs { message.add(11, message: valueInfo(input)) }
        for output in graph.outputs { message.add(12, message: valueInfo(output)) }
        for info in graph.valueInfo { message.add(13, message: valueInfo(info)) }
        for annotation in graph.quantizationAnnotations {
            message.add(14, message: quantizationAnnotation(annotation))
        }
        for tensor in graph.sparseInitializers { message.add(15, message: sparseTensor(tensor)) }
        for property in graph.metadata { message.add(16, message: self.property(property)) }
        return message
    }

    private func quantizationAnnotation(_ annotation: ONNXQuantizationAnnotation) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: annotation.tensorName)
        for parameter in annotation.parameters { message.add(2, message: property(parameter)) }
        return message
    }

    private func node(_ node: ONNXNode) -> WireMessage {
        var message = WireMessage()
        for input in node.inputs { message.add(1, string: input) }
        for output in node.outputs { message.add(2, string: output) }
        message.add(3, optional: node.name)
        message.add(4, string: node.opType)
        for attribute in node.attributes { message.add(5, message: self.attribute(attribute)) }
        message.add(6, optional: node.docString)
        message.add(7, optional: node.domain)
        message.add(8, optional: node.overload)
        for property in node.metadata { message.add(9, message: self.property(property)) }
        return message
    }

    private func attribute(_ attribute: ONNXAttribute) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: attribute.name)
        switch attribute.value {
        case .float(let value): message.add(2, float: value)
        case .int(let value): message.add(3, int: value)
        case .string(let value): message.add(4, bytes: value)
        case .tensor(let value): message.add(5, message: tensor(value))
        case .graph(let value): message.add(6, message: graph(value))
        case .floats(let values): for value in values { message.add(7, float: value) }
        case .ints(let values): for value in values { message.add(8, int: value) }
        case .strings(let values): for value in values { message.add(9, bytes: value) }
        case .tensors(let values): for value in values { message.add(10, message: tensor(value)) }
        case .graphs(let values): for value in values { message.add(11, message: graph(value)) }
        case .type(let value): message.add(14, message: type(value))
        case .types(let values): for value in values { message.add(15, message: type(value)) }
        case .reference(let name, _): message.add(21, string: name)
        case .sparseTensor(let value): message.add(22, message: sparseTensor(value))
        case .sparseTensors(let values): for value in values { message.add(23, message: sparseTensor(value)) }
        }
        message.add(13, optional: attribute.docString)
        message.add(20, int: Int(attribute.value.kind.rawValue))
        return message
    }
}

// MARK: Tensors and types

extension ModelEncoder {
    private func initializer(_ tensor: ONNXTensor) -> WireMessage {
        guard case .bytes(let bytes) = tensor.payload, let place = external?.place(bytes) else {
            return self.tensor(tensor)
        }
        var message = header(of: tensor)
        for entry in place { message.add(13, message: property(entry)) }
        message.add(14, int: 1)
        return message
    }

    private func tensor(_ tensor: ONNXTensor) -> WireMessage {
        var message = header(of: tensor)
        switch tensor.payload {
        case .bytes(let bytes): message.add(9, bytesOf: bytes)
        case .strings(let strings): for string in strings { message.add(6, bytes: string) }
        }
        return message
    }

    /// Everything but the elements.
    private func header(of tensor: ONNXTensor) -> WireMessage {
        var message = WireMessage()
        for dimension in tensor.shape.dimensions { message.add(1, int: dimension) }
        message.add(2, int: Int(tensor.elementType.rawValue))
        message.add(8, optional: tensor.name)
        message.add(12, optional: tensor.docString)
        for property in tensor.metadata { message.add(16, message: self.property(property)) }
        return message
    }

    private func sparseTensor(_ sparse: ONNXSparseTensor) -> WireMessage {
        var message = WireMessage()
        message.add(1, message: tensor(sparse.values))
        message.add(2, message: tensor(sparse.indices))
        for dimension in sparse.shape.dimensions { message.add(3, int: dimension) }
        return message
    }

    private func valueInfo(_ info: ONNXValueInfo) -> WireMessage {
        var message = WireMessage()
        message.add(1, string: info.name)
        if let type = info.type { message.add(2, message: self.type(type)) }
        message.add(3, optional: info.docString)
        for property in info.metadata { message.add(4, message: self.property(property)) }
        return message
    }

    private func type(_ type: ONNXType) -> WireMessage {
        var content = WireMessage()
        let field: UInt64
        switch type {
        case .tensor(let element, let dimensions), .sparseTensor(let element, let dimensions):
            content.add(1, int: Int(element.rawValue))
            if let dimensions { content.add(2, message: shape(dimensions)) }
            if case .tensor = type { field = 1 } else { field = 8 }
        case .sequence(let element):
            if let element { content.add(1, message: self.type(element)) }
            field = 4
        case .map(let key, let value):
            content.add(1, int: Int(key.rawValue))
            if let value { content.add(2, message: self.type(value)) }
            field = 5
        case .opaque(let domain, let name):
            content.add(1, string: domain)
            content.add(2, string: name)
            field = 7
        case .optional(let element):
            if let element { content.add(1, message: self.type(element)) }
            field = 9
        }
        var message = WireMessage()
        message.add(field, message: content)
        return message
    }

    private func shape(_ dimensions: [ONNXDimension]) -> WireMessage {
        var message = WireMessage()
        for dimension in dimensions {
            var content = WireMessage()
            switch dimension {
            case .known(let extent): content.add(1, int: extent)
            case .symbolic(let name): content.add(2, string: name)
            case .unknown: break
            }
            message.add(1, message: content)
        }
        return message
    }
}
