import COnnxProto
import TensorCore

/// Reads `.onnx` files. The file is mapped, and weights stay where they are in the mapping.
public enum ModelReader {
    /// The model in the file at `path`, with external data from beside it.
    /// - Throws: `ModelError` naming the byte, or the node or tensor, where the file is not what it should be.
    public static func read(_ path: String) throws -> ONNXModel {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) { try decode(storage, path: path) }
    }

    /// The model whose bytes these are.
    /// - Parameters:
    ///   - storage: the bytes of the file.
    ///   - path: Where the model lies, if it may have external data.
    public static func decode(_ storage: TensorStorage, path: String? = nil) throws -> ONNXModel {
        guard !storage.bytes.isEmpty else { throw ModelError("the file is empty") }
        return try unpacked(storage, onnx_model_descriptor(), as: Onnx__ModelProto.self) { proto in
            guard let graph = proto.graph else {
                throw ModelError("there is no graph", advice: "this does not look like an ONNX model")
            }
            return try ModelDecoder(storage, path: path).model(proto, graph.pointee)
        }
    }

    /// The tensor in a file that holds nothing else, such as the `.pb` files of ONNX's test data.
    public static func readTensor(_ path: String) throws -> ONNXTensor {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) {
            try unpacked(storage, onnx_tensor_descriptor(), as: Onnx__TensorProto.self) {
                try ModelDecoder(storage, path: path).tensor($0)
            }
        }
    }

    /// Hands the message in `storage` to protobuf-c, without the weights, and `body` what came out.
    private static func unpacked<Message, Result>(
        _ storage: TensorStorage, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, as type: Message.Type,
        _ body: (Message) throws -> Result
    ) throws -> Result {
        let skeleton = try WireSkeleton(of: storage, as: descriptor)
        guard let message = protobuf_c_message_unpack(descriptor, nil, skeleton.output.count, skeleton.output) else {
            throw ModelError(
                "protobuf-c refuses the file, \(skeleton.output.count) bytes without the weights",
                advice: "the file is damaged, or has more than 2 GB without weights")
        }
        defer { protobuf_c_message_free_unpacked(message, nil) }
        return try message.withMemoryRebound(to: Message.self, capacity: 1) { try body($0.pointee) }
    }
}
