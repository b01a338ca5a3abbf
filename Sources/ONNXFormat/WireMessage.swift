import TensorCore

/// A message of the wire format (see `WireSkeleton`) that is being put together from the inside out.
///
/// Small fields are gathered as bytes; the bytes of tensors are only referred to, so that a weight goes straight from
/// where it lies to the file.
struct WireMessage {
    private(set) var segments: [Segment] = []
    /// The length of the message without its own key and length.
    private(set) var byteCount = 0

    enum Segment {
        case bytes([UInt8])
        case tensor(Tensor)
    }

    mutating func add(_ field: UInt64, int value: Int) {
        add(key: field, wireType: 0) { $0.append(varint: UInt64(bitPattern: Int64(value))) }
    }

    mutating func add(_ field: UInt64, float value: Float) {
        add(key: field, wireType: 5) { bytes in
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    mutating func add(_ field: UInt64, bytes value: some Collection<UInt8>) {
        add(key: field, wireType: 2) {
            $0.append(varint: UInt64(value.count))
            $0.append(contentsOf: value)
        }
    }

    mutating func add(_ field: UInt64, string value: String) { add(field, bytes: value.utf8) }

    /// Nothing, if the text is empty.
    mutating func add(_ field: UInt64, optional value: String) { if !value.isEmpty { add(field, string: value) } }

    /// The bytes of a tensor, referred to and not copied.
    mutating func add(_ field: UInt64, bytesOf tensor: Tensor) {
        add(key: field, wireType: 2) { $0.append(varint: UInt64(tensor.byteCount)) }
        append(.tensor(tensor))
    }

    mutating func add(_ field: UInt64, message: WireMessage) {
        add(key: field, wireType: 2) { $0.append(varint: UInt64(message.byteCount)) }
        message.segments.forEach { append($0) }
    }

    private mutating func add(key field: UInt64, wireType: UInt64, _ value: (inout [UInt8]) -> Void) {
        var bytes: [UInt8] = []
        bytes.append(varint: field << 3 | wireType)
        value(&bytes)
        append(.bytes(bytes))
    }

    private mutating func append(_ segment: Segment) {
        switch segment {
        case .tensor(let tensor):
            byteCount += tensor.byteCount
            segments.append(segment)
        case .bytes(let bytes):
            byteCount += bytes.count
            guard case .bytes(var gathered)? = segments.last else { return segments.append(segment) }
            // Taken out of the array first: bytes that are referred to only once grow in place.
            segments.removeLast()
            gathered.append(contentsOf: bytes)
            segments.append(.bytes(gathered))
        }
    }
}

extension [UInt8] {
    /// 7 bits a byte, lowest first; bit 7 says that another byte follows.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
