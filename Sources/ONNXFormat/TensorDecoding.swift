import COnnxProto
import TensorCore

/// The elements of a tensor, from wherever the file keeps them.
extension ModelDecoder {
    func tensor(_ proto: Onnx__TensorProto) throws -> ONNXTensor {
        try locating("tensor '\(text(proto.name))'") {
            let type = try elementType(proto.data_type)
            let dimensions = UnsafeBufferPointer(start: proto.dims, count: proto.n_dims).map { Int($0) }
            let shape = try Shape(checking: dimensions)
            var tensor = try ONNXTensor(
                name: text(proto.name), elementType: type, shape: shape, payload: payload(of: proto, type, shape))
            tensor.docString = text(proto.doc_string)
            tensor.metadata = properties(proto.metadata_props, proto.n_metadata_props)
            return tensor
        }
    }

    private func payload(
        of proto: Onnx__TensorProto, _ type: ONNXElementType, _ shape: Shape
    ) throws -> ONNXTensor.Payload {
        guard let byteCount = type.byteCount(of: shape) else {
            let strings = UnsafeBufferPointer(start: proto.string_data, count: proto.n_string_data)
            return .strings(strings.map(bytes))
        }
        if proto.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL {
            let place = properties(proto.external_data, proto.n_external_data)
            return .bytes(try external.bytes(place, byteCount: byteCount))
        }
        if proto.has_raw_data != 0 {
            let raw = UnsafeRawBufferPointer(start: proto.raw_data.data, count: proto.raw_data.len)
            guard let range = RawDataReference(raw)?.range else { throw ModelError("raw_data lies nowhere") }
            return .bytes(
                try Tensor(
                    dataType: .uint8, shape: [range.count], storage: storage, byteOffset: range.lowerBound))
        }
        return .bytes(typedData(of: proto, type))
    }

    /// The elements of the typed field for `type`, in the layout of raw_data.
    private func typedData(of proto: Onnx__TensorProto, _ type: ONNXElementType) -> Tensor {
        switch type {
        case .float32, .complex64: elements(proto.float_data, proto.n_float_data)
        case .float64, .complex128: elements(proto.double_data, proto.n_double_data)
        case .int64: elements(proto.int64_data, proto.n_int64_data)
        case .uint64: elements(proto.uint64_data, proto.n_uint64_data)
        case .uint32: elements(proto.uint64_data, proto.n_uint64_data) { UInt32(truncatingIfNeeded: $0) }
        case .int32: elements(proto.int32_data, proto.n_int32_data)
        case .int16, .uint16, .float16, .bfloat16:
            elements(proto.int32_data, proto.n_int32_data) { UInt16(truncatingIfNeeded: $0) }
        default:
            elements(proto.int32_data, proto.n_int32_data) { UInt8(truncatingIfNeeded: $0) }
        }
    }

    private func elements<Element: TensorElement>(_ start: UnsafeMutablePointer<Element>?, _ count: Int) -> Tensor {
        elements(start, count) { $0 }
    }

    private func elements<Stored, Element: TensorElement>(
        _ start: UnsafeMutablePointer<Stored>?, _ count: Int, _ convert: (Stored) -> Element
    ) -> Tensor {
        let stored = UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
        return Tensor(shape: [stored.count], of: Element.self) { target in
            for index in stored.indices { target[index] = convert(stored[index]) }
        }.asBytes()
    }
}
