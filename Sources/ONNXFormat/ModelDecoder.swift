import COnnxProto
import TensorCore

/// Turns the structs of protobuf-c, made from a `WireSkeleton`, into the value types, message by message.
struct ModelDecoder {
    /// The file that the raw data lies in.
    let storage: TensorStorage
    let external: ExternalDataReader

    init(_ storage: TensorStorage, path: String?) {
        self.storage = storage
        external = ExternalDataReader(modelPath: path)
    }

    func model(_ proto: Onnx__ModelProto, _ graph: Onnx__GraphProto) throws -> ONNXModel {
        ONNXModel(
            irVersion: Int(proto.ir_version),
            opsetImports: messages(proto.opset_import, proto.n_opset_import).map(opset),
            producerName: text(proto.producer_name), producerVersion: text(proto.producer_version),
            domain: text(proto.domain), modelVersion: Int(proto.model_version), docString: text(proto.doc_string),
            metadata: properties(proto.metadata_props, proto.n_metadata_props),
            graph: try self.graph(graph),
            functions: try messages(proto.functions, proto.n_functions).map(function))
    }

    private func opset(_ proto: Onnx__OperatorSetIdProto) -> ONNXOpset {
        ONNXOpset(domain: text(proto.domain), version: Int(proto.version))
    }

    private func function(_ proto: Onnx__FunctionProto) throws -> ONNXFunction {
        try locating("function '\(text(proto.name))'") {
            var function = ONNXFunction(domain: text(proto.domain), name: text(proto.name))
            function.overload = text(proto.overload)
            function.inputs = texts(proto.input, proto.n_input)
            function.outputs = texts(proto.output, proto.n_output)
            function.attributes = texts(proto.attribute, proto.n_attribute)
            function.attributeDefaults = try messages(proto.attribute_proto, proto.n_attribute_proto).map(attribute)
            function.nodes = try nodes(proto.node, proto.n_node)
            function.opsetImports = messages(proto.opset_import, proto.n_opset_import).map(opset)
            function.valueInfo = try messages(proto.value_info, proto.n_value_info).map(valueInfo)
            function.docString = text(proto.doc_string)
            function.metadata = properties(proto.metadata_props, proto.n_metadata_props)
            return function
        }
    }

    private func graph(_ proto: Onnx__GraphProto) throws -> ONNXGraph {
        ONNXGraph(
            name: text(proto.name), nodes: try nodes(proto.node, proto.n_node),
            initializers: try messages(proto.initializer, proto.n_initializer).map(tensor),
            sparseInitializers: try messages(proto.sparse_initializer, proto.n_sparse_initializer).map(sparseTensor),
            inputs: try messages(proto.input, proto.n_input).map(valueInfo),
            outputs: try messages(proto.output, proto.n_output).map(valueInfo),
            valueInfo: try messages(proto.value_info, proto.n_value_info).map(valueInfo),
            quantizationAnnotations: messages(proto.quantization_annotation, proto.n_quantization_annotation).map {
                ONNXQuantizationAnnotation(
                    tensorName: text($0.tensor_name),
                    parameters: properties($0.quant_parameter_tensor_names, $0.n_quant_parameter_tensor_names))
            },
            docString: text(proto.doc_string), metadata: properties(proto.metadata_props, proto.n_metadata_props))
    }

    private func nodes(_ items: Messages<Onnx__NodeProto>, _ count: Int) throws -> [ONNXNode] {
        try messages(items, count).enumerated().map { index, proto in
            let name = text(proto.name), opType = text(proto.op_type)
            return try locating(name.isEmpty ? "node \(index) (\(opType))" : "node '\(name)' (\(opType))") {
                ONNXNode(
                    opType, name: name, domain: text(proto.domain), overload: text(proto.overload),
                    inputs: texts(proto.input, proto.n_input), outputs: texts(proto.output, proto.n_output),
                    attributes: try messages(proto.attribute, proto.n_attribute).map(attribute),
                    docString: text(proto.doc_string),
                    metadata: properties(proto.metadata_props, proto.n_metadata_props))
            }
        }
    }

    private func attribute(_ proto: Onnx__AttributeProto) throws -> ONNXAttribute {
        try locating("attribute '\(text(proto.name))'") {
            ONNXAttribute(text(proto.name), try value(proto), docString: text(proto.doc_string))
        }
    }

    private func value(_ proto: Onnx__AttributeProto) throws -> ONNXAttribute.Value {
        guard let stated = ONNXAttribute.Kind(rawValue: Int32(bitPattern: proto.type.rawValue)) else {
            throw ModelError("attribute type \(proto.type.rawValue) is not known")
        }
        let kind = stated == .undefined ? heldKind(proto) : stated
        if proto.ref_attr_name != nil, !text(proto.ref_attr_name).isEmpty {
            return .reference(text(proto.ref_attr_name), to: kind)
        }
        switch kind {
        case .float: return .float(proto.f)
        case .int: return .int(Int(proto.i))
        case .string: return .string(bytes(proto.s))
        case .tensor: return .tensor(try tensor(held(proto.t)))
        case .graph: return .graph(try graph(held(proto.g)))
        case .sparseTensor: return .sparseTensor(try sparseTensor(held(proto.sparse_tensor)))
        case .type: return .type(try type(held(proto.tp)))
        case .floats: return .floats(Array(UnsafeBufferPointer(start: proto.floats, count: proto.n_floats)))
        case .ints: return .ints(UnsafeBufferPointer(start: proto.ints, count: proto.n_ints).map { Int($0) })
        case .strings: return .strings(UnsafeBufferPointer(start: proto.strings, count: proto.n_strings).map(bytes))
        case .tensors: return .tensors(try messages(proto.tensors, proto.n_tensors).map(tensor))
        case .graphs: return .graphs(try messages(proto.graphs, proto.n_graphs).map(graph))
        case .sparseTensors:
            return .sparseTensors(try messages(proto.sparse_tensors, proto.n_sparse_tensors).map(sparseTensor))
        case .types: return .types(try messages(proto.type_protos, proto.n_type_protos).map(type))
        case .undefined: throw ModelError("the attribute has no type and no value")
        }
    }

    /// Files from before IR version 2 do not say of which kind an attribute is.
    private func heldKind(_ proto: Onnx__AttributeProto) -> ONNXAttribute.Kind {
        let kinds: [(ONNXAttribute.Kind, Bool)] = [
            (.float, proto.has_f != 0), (.int, proto.has_i != 0), (.string, proto.has_s != 0),
            (.tensor, proto.t != nil), (.graph, proto.g != nil), (.floats, proto.n_floats > 0),
            (.ints, proto.n_ints > 0), (.strings, proto.n_strings > 0), (.tensors, proto.n_tensors > 0),
            (.graphs, proto.n_graphs > 0),
        ]
        return kinds.first { $0.1 }?.0 ?? .undefined
    }

    private func held<Message>(_ message: UnsafeMutablePointer<Message>?) throws -> Message {
        guard let message else { throw ModelError("the value that the attribute's type promises is missing") }
        return message.pointee
    }

    func sparseTensor(_ proto: Onnx__SparseTensorProto) throws -> ONNXSparseTensor {
        guard let values = proto.values, let indices = proto.indices else {
            throw ModelError("a sparse tensor lacks its values or their indices")
        }
        return ONNXSparseTensor(
            values: try tensor(values.pointee), indices: try tensor(indices.pointee),
            shape: try Shape(checking: UnsafeBufferPointer(start: proto.dims, count: proto.n_dims).map { Int($0) }))
    }

    // MARK: Types

    private func valueInfo(_ proto: Onnx__ValueInfoProto) throws -> ONNXValueInfo {
        try locating("value '\(text(proto.name))'") {
            ONNXValueInfo(
                name: text(proto.name), type: try optionalType(proto.type), docString: text(proto.doc_string),
                metadata: properties(proto.metadata_props, proto.n_metadata_props))
        }
    }

    /// Nil for a type that says nothing.
    private func optionalType(_ proto: UnsafeMutablePointer<Onnx__TypeProto>?) throws -> ONNXType? {
        guard let proto, proto.pointee.value_case != ONNX__TYPE_PROTO__VALUE__NOT_SET else { return nil }
        return try type(proto.pointee)
    }

    private func type(_ proto: Onnx__TypeProto) throws -> ONNXType {
        switch proto.value_case {
        case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
            let tensor = proto.tensor_type.pointee
            return .tensor(try elementType(tensor.elem_type), shape: dimensions(tensor.shape))
        case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
            let tensor = proto.sparse_tensor_type.pointee
            return .sparseTensor(try elementType(tensor.elem_type), shape: dimensions(tensor.shape))
        case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
            return .sequence(of: try optionalType(proto.sequence_type.pointee.elem_type))
        case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
            return .optional(of: try optionalType(proto.optional_type.pointee.elem_type))
        case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
            let map = proto.map_type.pointee
            return .map(key: try elementType(map.key_type), value: try optionalType(map.value_type))
        case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
            let opaque = proto.opaque_type.pointee
            return .opaque(domain: text(opaque.domain), name: text(opaque.name))
        default: throw ModelError("a type is empty")
        }
    }

    func elementType(_ number: Int32) throws -> ONNXElementType {
        guard let type = ONNXElementType(rawValue: number) else {
            throw ModelError("element type \(number) is not known", advice: "the file may be newer than this program")
        }
        return type
    }

    private func dimensions(_ proto: UnsafeMutablePointer<Onnx__TensorShapeProto>?) -> [ONNXDimension]? {
        proto.map { shape in
            messages(shape.pointee.dim, shape.pointee.n_dim).map { dimension in
                switch dimension.value_case {
                // Paddle writes −1 for an open extent.
                case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE:
                    dimension.dim_value < 0 ? .unknown : .known(Int(dimension.dim_value))
                case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM: .symbolic(text(dimension.dim_param))
                default: .unknown
                }
            }
        }
    }

    // MARK: Fields

    typealias Messages<Message> = UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?

    private func messages<Message>(_ items: Messages<Message>, _ count: Int) -> [Message] {
        UnsafeBufferPointer(start: items, count: items == nil ? 0 : count).compactMap { $0?.pointee }
    }

    func properties(_ items: Messages<Onnx__StringStringEntryProto>, _ count: Int) -> [ONNXProperty] {
        messages(items, count).map { ONNXProperty(key: text($0.key), value: text($0.value)) }
    }

    private func texts(_ items: Messages<CChar>, _ count: Int) -> [String] {
        UnsafeBufferPointer(start: items, count: items == nil ? 0 : count).map(text)
    }

    func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
        pointer.map { String(cString: $0) } ?? ""
    }

    func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
        Array(UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
    }
}
