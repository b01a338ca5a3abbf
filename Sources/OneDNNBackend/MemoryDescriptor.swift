import COneDNN
import TensorCore

/// Type, extents and layout of a tensor in memory, as oneDNN describes them. Immutable.
final class MemoryDescriptor {
    enum Layout {
        /// The primitive that gets the descriptor chooses.
        case any
        /// n, c, spatial…: how a `Tensor` lies.
        case rowMajor
        /// n, spatial…, c: the layout in which int8 primitives are fast.
        case channelsLast
    }

    let pointer: UnsafeMutablePointer<dnnl_memory_desc_t>

    /// A copy of what oneDNN handed out.
    init(_ descriptor: dnnl_memory_desc_t) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: descriptor)
    }

    deinit { pointer.deallocate() }

    convenience init(_ dataType: dnnl_data_type_t, _ dimensions: [Int], _ layout: Layout) throws {
        let extents = dimensions.map(Int64.init)
        var descriptor = dnnl_memory_desc_t()
        let status =
            switch layout {
            case .any:
                dnnl_memory_desc_init_by_tag(
                    &descriptor, Int32(extents.count), extents, dataType, dnnl_format_tag_any)
            case .rowMajor, .channelsLast:
                dnnl_memory_desc_init_by_strides(
                    &descriptor, Int32(extents.count), extents, dataType,
                    Self.strides(of: dimensions, channelsLast: layout == .channelsLast))
            }
        try check(status, "the layout of \(Shape(dimensions))")
        self.init(descriptor)
    }

    /// - Parameter strides: elements between neighbours along each axis; axes must not overlap.
    convenience init(_ dataType: dnnl_data_type_t, _ dimensions: [Int], strides: [Int]) throws {
        var descriptor = dnnl_memory_desc_t()
        try check(
            dnnl_memory_desc_init_by_strides(
                &descriptor, Int32(dimensions.count), dimensions.map(Int64.init), dataType, strides.map(Int64.init)),
            "a view of \(Shape(dimensions))")
        self.init(descriptor)
    }

    /// A scalar has one axis here.
    /// - Returns: nil for a tensor that oneDNN has no descriptor for.
    convenience init?(_ type: TensorType, _ layout: Layout) throws {
        guard let dataType = type.dataType.oneDNN, type.shape.rank <= 12 else { return nil }
        try self.init(dataType, type.shape.rank == 0 ? [1] : type.shape.dimensions, layout)
    }

    private static func strides(of dimensions: [Int], channelsLast: Bool) -> [Int64] {
        var order = Array(dimensions.indices)
        if channelsLast, order.count > 2 { order.append(order.remove(at: 1)) }
        var strides = [Int64](repeating: 1, count: dimensions.count)
        var stride: Int64 = 1
        for axis in order.reversed() {
            strides[axis] = stride
            stride *= Int64(max(dimensions[axis], 1))
        }
        return strides
    }

    var byteCount: Int { dnnl_memory_desc_get_size(pointer) }
    var dataType: dnnl_data_type_t { pointer.pointee.data_type }
    var rank: Int { Int(pointer.pointee.ndims) }
    var dimensions: [Int] { Self.prefix(pointer.pointee.dims, rank) }

    /// Elements between neighbours along each axis, if that is all there is to say: no blocks, no padding.
    private var plainStrides: [Int]? {
        let descriptor = pointer.pointee
        guard descriptor.format_kind == dnnl_blocked, descriptor.format_desc.blocking.inner_nblks == 0,
            descriptor.offset0 == 0, descriptor.extra.flags == 0,
            dimensions == Self.prefix(descriptor.padded_dims, rank)
        else { return nil }
        return Self.prefix(descriptor.format_desc.blocking.strides, rank)
    }

    /// The same layout with elements of another type.
    func with(_ dataType: dnnl_data_type_t) -> MemoryDescriptor {
        var copy = pointer.pointee
        copy.data_type = dataType
        return MemoryDescriptor(copy)
    }

    /// True if the bytes mean the same under both descriptors: strides of axes with a single element do not matter.
    func matches(_ other: MemoryDescriptor) -> Bool {
        if dnnl_memory_desc_equal(pointer, other.pointer) != 0 { return true }
        guard dataType == other.dataType, dimensions == other.dimensions, let strides = plainStrides,
            let otherStrides = other.plainStrides
        else { return false }
        return dimensions.indices.allSatisfy { dimensions[$0] == 1 || strides[$0] == otherStrides[$0] }
    }

    /// oneDNN's arrays of twelve come as tuples.
    private static func prefix(_ tuple: DimensionTuple, _ count: Int) -> [Int] {
        withUnsafeBytes(of: tuple) { $0.bindMemory(to: Int64.self).prefix(count).map(Int.init) }
    }

    private typealias DimensionTuple = (
        dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t,
        dnnl_dim_t, dnnl_dim_t, dnnl_dim_t
    )
}

extension DataType {
    /// nil for the types that oneDNN's CPU primitives do not compute with.
    var oneDNN: dnnl_data_type_t? {
        switch self {
        case .float32: dnnl_f32
        case .int32: dnnl_s32
        case .int8: dnnl_s8
        case .uint8: dnnl_u8
        default: nil
        }
    }
}
