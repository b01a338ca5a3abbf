import COneDNN
import TensorCore

/// A primitive that oneDNN has chosen an implementation for, but has not generated code for yet.
final class PrimitiveDescriptor {
    let pointer: dnnl_primitive_desc_t
    let what: String

    /// - Parameter create: one of oneDNN's functions that make a primitive descriptor.
    /// - Returns: nil if oneDNN has no implementation.
    init?(_ what: String, _ create: (inout dnnl_primitive_desc_t?) throws -> dnnl_status_t) throws {
        var pointer: dnnl_primitive_desc_t?
        let status = try create(&pointer)
        if status == dnnl_unimplemented { return nil }
        try check(status, what)
        guard let pointer else { return nil }
        self.pointer = pointer
        self.what = what
    }

    /// Most primitives: from the descriptor of an operation, which `initialize` fills.
    convenience init?<Operation>(
        _ what: String, _ operation: Operation, _ attributes: Attributes, _ engine: Engine,
        _ initialize: (UnsafeMutablePointer<Operation>) -> dnnl_status_t
    ) throws {
        var operation = operation
        try self.init(what) { pointer in
            withUnsafeMutablePointer(to: &operation) {
                let status = initialize($0)
                guard status == dnnl_success else { return status }
                return dnnl_primitive_desc_create(&pointer, $0, attributes.pointer, engine.engine, nil)
            }
        }
    }

    /// The first implementation of an operation that `accepts` takes, in oneDNN's order of preference; the very first if
    /// it takes none.
    convenience init?<Operation>(
        _ what: String, _ operation: Operation, _ attributes: Attributes, _ engine: Engine,
        preferring accepts: (String) -> Bool, _ initialize: (UnsafeMutablePointer<Operation>) -> dnnl_status_t
    ) throws {
        var operation = operation
        try check(withUnsafeMutablePointer(to: &operation, initialize), what)
        var iterator: dnnl_primitive_desc_iterator_t?
        let status = withUnsafePointer(to: &operation) {
            dnnl_primitive_desc_iterator_create(&iterator, $0, attributes.pointer, engine.engine, nil)
        }
        if status == dnnl_unimplemented { return nil }
        try check(status, what)
        defer { dnnl_primitive_desc_iterator_destroy(iterator) }
        repeat {
            guard let pointer = dnnl_primitive_desc_iterator_fetch(iterator) else { break }
            let name = Self.implementation(of: pointer)
            dnnl_primitive_desc_destroy(pointer)
            guard accepts(name) else { continue }
            try self.init(what) { chosen in
                chosen = dnnl_primitive_desc_iterator_fetch(iterator)
                return dnnl_success
            }
            return
        } while dnnl_primitive_desc_iterator_next(iterator) == dnnl_success
        try self.init(what, operation, attributes, engine) { _ in dnnl_success }
    }

    deinit { dnnl_primitive_desc_destroy(pointer) }

    /// The layout that was chosen for one of the arguments (DNNL_ARG_SRC…).
    func layout(of argument: Int32) -> MemoryDescriptor {
        guard let descriptor = dnnl_primitive_desc_query_md(pointer, dnnl_query_exec_arg_md, argument) else {
            return MemoryDescriptor(dnnl_memory_desc_t())
        }
        return MemoryDescriptor(descriptor.pointee)
    }

    /// `brgconv:avx512_core_vnni`
    var implementation: String { Self.implementation(of: pointer) }

    private static func implementation(of pointer: dnnl_primitive_desc_t) -> String {
        var name: UnsafePointer<CChar>?
        guard dnnl_primitive_desc_query(pointer, dnnl_query_impl_info_str, 0, &name) == dnnl_success, let name else {
            return "unknown"
        }
        return String(cString: name)
    }
}

/// Generated code, ready to run.
final class Primitive {
    let pointer: dnnl_primitive_t
    let descriptor: PrimitiveDescriptor
    let scratchpad: MemoryDescriptor

    init(_ descriptor: PrimitiveDescriptor) throws {
        var pointer: dnnl_primitive_t?
        try check(dnnl_primitive_create(&pointer, descriptor.pointer), "creating the \(descriptor.what)")
        guard let pointer else { throw ModelError("oneDNN made no \(descriptor.what)") }
        self.pointer = pointer
        self.descriptor = descriptor
        scratchpad = descriptor.layout(of: DNNL_ARG_SCRATCHPAD)
    }

    deinit { dnnl_primitive_destroy(pointer) }

    func execute(_ arguments: [dnnl_exec_arg_t], _ engine: Engine) throws {
        try check(
            dnnl_primitive_execute(pointer, engine.stream, Int32(arguments.count), arguments),
            "running the \(descriptor.what)")
    }
}

/// Bytes seen through a memory descriptor. Whoever makes one keeps the bytes alive.
final class Memory {
    let pointer: dnnl_memory_t

    init(_ descriptor: MemoryDescriptor, at bytes: UnsafeMutableRawPointer?, _ engine: Engine) throws {
        var pointer: dnnl_memory_t?
        try check(dnnl_memory_create(&pointer, descriptor.pointer, engine.engine, bytes), "creating a memory object")
        guard let pointer else { throw ModelError("oneDNN made no memory object") }
        self.pointer = pointer
    }

    deinit { dnnl_memory_destroy(pointer) }

    func move(to bytes: UnsafeMutableRawPointer?) throws {
        try check(dnnl_memory_set_data_handle(pointer, bytes), "handing over an input")
    }
}
