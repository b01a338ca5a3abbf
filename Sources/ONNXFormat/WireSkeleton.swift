import COnnxProto
import TensorCore

/// A copy of a message without the weights, small and sound enough to be handed to protobuf-c.
///
/// The wire format is a row of fields, each a key and a value:
///
///     key     varint: field number · 8 + wire type
///     value   wire type 0: varint (7 bits a byte, lowest first; bit 7 says that another byte follows)
///             wire type 1: 8 bytes            wire type 5: 4 bytes
///             wire type 2: varint length, then that many bytes: a string, a message, or a row of packed numbers
///
/// protobuf-c would copy every weight, crash on deep nesting, take gigabytes for megabytes of empty messages, and say
/// nothing of what is wrong with a file. So this walks all messages first. It checks every key, length and number,
/// leaves out the fields that the schema does not have, and puts in place of each tensor's `raw_data`, and of packed
/// `float_data` and `double_data`, 16 bytes that say where in the storage it lies (`RawDataReference`).
struct WireSkeleton {
    /// The bytes for protobuf-c.
    private(set) var output: [UInt8] = []

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// What protobuf-c and the value types will take, roughly.
    private var memory = 0

    /// Messages inside messages; a subgraph takes three levels.
    static let maximumDepth = 100
    /// Bytes of memory that each byte of a file may cost, and what any file may cost. Real models cost up to 8 a byte;
    /// a node that says no more than it must, with names of one letter, would cost 28.
    private static let memoryPerByte = 32, memoryAllowance = 16 << 20
    /// TensorProto.raw_data is field 9.
    private static let rawDataKey: UInt64 = 9 << 3 | 2

    /// Walks the message of type `descriptor` that fills `storage`.
    /// - Throws: `ModelError` naming the byte at which the wire format breaks.
    init(of storage: TensorStorage, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>) throws {
        bytes = storage.bytes
        try withExtendedLifetime(storage) { try copyMessage(descriptor, end: bytes.count, depth: 1) }
    }

    private mutating func copyMessage(
        _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, end: Int, depth: Int
    ) throws {
        guard depth <= Self.maximumDepth else {
            throw broken("messages are nested more than \(Self.maximumDepth) deep")
        }
        try charge(Int(descriptor.pointee.sizeof_message))
        let isTensor = descriptor == onnx_tensor_descriptor()
        var seen = Set<UInt32>()
        while position < end {
            let start = position
            let key = try readVarint(end: end)
            let number = UInt32(truncatingIfNeeded: key >> 3), wireType = UInt8(key & 7)
            guard (1...0x1FFF_FFFF).contains(key >> 3) else {
                throw broken("field number \(key >> 3) is not possible", start)
            }
            guard let field = protobuf_c_message_descriptor_get_field(descriptor, number) else {
                try skip(wireType, end: end)
                continue
            }
            let repeated = field.pointee.label == PROTOBUF_C_LABEL_REPEATED
            guard wireType == field.pointee.type.wireType || (wireType == 2 && repeated) else {
                throw broken("field '\(field.fieldName)' has wire type \(wireType)", start)
            }
            let keyOffset = output.count
            output.append(varint: key)
            let valueStart = position
            guard wireType == 2 else {
                try skip(wireType, end: end)
                append(valueStart..<position)
                continue
            }
            let length = try readLength(of: field, end: end)
            let content = position..<position + length
            switch field.pointee.type {
            case PROTOBUF_C_TYPE_MESSAGE:
                // protobuf-c would merge the two, in a time that grows with the square of their number.
                guard repeated || seen.insert(number).inserted else {
                    throw broken("field '\(field.fieldName)' occurs twice", start)
                }
                let lengthOffset = output.count
                output.append(contentsOf: [0, 0, 0, 0, 0])
                let nested = field.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
                try copyMessage(nested, end: content.upperBound, depth: depth + 1)
                patch(lengthAt: lengthOffset)
                continue
            case PROTOBUF_C_TYPE_BYTES where isTensor && field.fieldName == "raw_data":
                output.append(varint: UInt64(RawDataReference.byteCount))
                output.append(contentsOf: RawDataReference(range: content).bytes)
                position = content.upperBound
                continue
            case PROTOBUF_C_TYPE_FLOAT where isTensor, PROTOBUF_C_TYPE_DOUBLE where isTensor:
                // Packed numbers are laid out as raw_data is. A second row of them makes the tensor too short.
                try skipPacked(field, end: content.upperBound)
                output.removeSubrange(keyOffset...)
                output.append(varint: Self.rawDataKey)
                output.append(varint: UInt64(RawDataReference.byteCount))
                output.append(contentsOf: RawDataReference(range: content).bytes)
                continue
            case PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_STRING:
                try charge(48)
                position = content.upperBound
            default:
                try skipPacked(field, end: content.upperBound)
            }
            output.append(varint: UInt64(length))
            append(content)
        }
    }

    // MARK: Reading

    private mutating func readVarint(end: Int) throws -> UInt64 {
        let start = position
        var value: UInt64 = 0, shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw shift < 64 ? endsInside(start) : broken("a number has more than 10 bytes", start)
    }

    private mutating func readLength(of field: Field?, end: Int) throws -> Int {
        let start = position
        let length = try readVarint(end: end)
        guard length <= UInt64(end - position) else {
            let name = field.map { "field '\($0.fieldName)'" } ?? "a field"
            throw broken("\(name) claims \(length) bytes, but \(end - position) remain", start)
        }
        return Int(length)
    }

    private mutating func skip(_ wireType: UInt8, end: Int) throws {
        let start = position
        switch wireType {
        case 0: _ = try readVarint(end: end)
        case 1: position += 8
        case 2: position += try readLength(of: nil, end: end)
        case 5: position += 4
        default: throw broken("wire type \(wireType) is not possible", start)
        }
        guard position <= end else { throw endsInside(start) }
    }

    private mutating func skipPacked(_ field: Field, end: Int) throws {
        let start = position
        let width = field.pointee.type.wireType == 1 ? 8 : 4
        if field.pointee.type.wireType == 0 {
            while position < end { _ = try readVarint(end: end) }
        } else if (end - start) % width != 0 {
            throw broken("field '\(field.fieldName)' has \(end - start) bytes, no multiple of \(width)", start)
        }
        position = end
    }

    private mutating func charge(_ cost: Int) throws {
        memory += cost
        guard memory <= Self.memoryAllowance + Self.memoryPerByte * position else {
            throw broken("there are too many empty fields and messages for a model")
        }
    }

    private func endsInside(_ offset: Int) -> ModelError {
        broken("the file or the message ends inside a number", offset)
    }

    private func broken(_ problem: String, _ offset: Int? = nil) -> ModelError {
        ModelError(
            problem, at: "byte \(offset ?? position)",
            advice: "the file is truncated, damaged, or not an ONNX model")
    }

    // MARK: Writing

    private mutating func append(_ range: Range<Int>) {
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    /// Fills in the length of the message that follows `offset`: always five bytes, since it is known only afterwards.
    private mutating func patch(lengthAt offset: Int) {
        let length = output.count - offset - 5
        for index in 0..<5 {
            output[offset + index] = UInt8(truncatingIfNeeded: length >> (7 * index) & 0x7F) | (index < 4 ? 0x80 : 0)
        }
    }
}

/// Where a tensor's raw data lies in the storage: two little-endian 64-bit numbers in place of the data itself.
struct RawDataReference {
    let range: Range<Int>
    static let byteCount = 16

    init(range: Range<Int>) { self.range = range }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        let start = Int(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: Int.self))
        let end = Int(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int.self))
        guard 0 <= start, start <= end else { return nil }
        range = start..<end
    }

    var bytes: [UInt8] {
        [range.lowerBound, range.upperBound].flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
    }
}

private typealias Field = UnsafePointer<ProtobufCFieldDescriptor>

extension UnsafePointer<ProtobufCFieldDescriptor> {
    fileprivate var fieldName: String { String(cString: pointee.name) }
}

extension ProtobufCType {
    /// How one value of the type is laid out.
    fileprivate var wireType: UInt8 {
        switch self {
        case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64: 1
        case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32: 5
        case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: 2
        default: 0
        }
    }
}
