import TensorCore

/// Writes `.onnx` files. A weight goes straight from where it lies to the file, without a copy.
public enum ModelWriter {
    /// protobuf refuses longer messages.
    static let maximumByteCount = Int(Int32.max)

    /// Where the elements of initializers go.
    public enum WeightPlacement: Sendable, Equatable {
        /// Into the model; beside it, if the model would pass the 2 GB that protobuf allows.
        case automatic
        /// Those of at least so many bytes into `<file name>.data` beside the model.
        case external(above: Int)
    }

    /// Writes the model to `path`, and its weights to `path + ".data"` if they are placed there.
    /// - Throws: `ModelError` if a file cannot be written, or if 2 GB are not enough for what must be in the model.
    public static func write(_ model: ONNXModel, to path: String, weights: WeightPlacement = .automatic) throws {
        var external: ExternalDataWriter?
        if case .external(let threshold) = weights { external = ExternalDataWriter(for: path, above: threshold) }
        var message = ModelEncoder.encode(model, external: external)
        if message.byteCount > maximumByteCount, external == nil {
            external = ExternalDataWriter(for: path, above: 1024)
            message = ModelEncoder.encode(model, external: external)
        }
        guard message.byteCount <= maximumByteCount else {
            throw ModelError(
                "the model takes \(message.byteCount) bytes, but ONNX files end at 2 GB", at: path,
                advice: "write its weights to another file")
        }
        // The weights first: whoever finds the new model finds its weights, too.
        try FileOutput.together {
            try external?.write()
            try FileOutput.write(to: path) { file in
                for segment in message.segments {
                    switch segment {
                    case .bytes(let bytes): try file.write(bytes)
                    case .tensor(let tensor): try file.write(tensor)
                    }
                }
            }
        }
    }

    /// The bytes of the file, weights included.
    public static func encode(_ model: ONNXModel) -> [UInt8] {
        let message = ModelEncoder.encode(model, external: nil)
        var result: [UInt8] = []
        result.reserveCapacity(message.byteCount)
        for segment in message.segments {
            switch segment {
            case .bytes(let bytes): result.append(contentsOf: bytes)
            case .tensor(let tensor): tensor.withBytes { result.append(contentsOf: $0) }
            }
        }
        return result
    }
}
