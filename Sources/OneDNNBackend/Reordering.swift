import COneDNN
import TensorCore

// Moving elements from one layout to another, while a plan is made or when a buffer is observed.

extension ExecutionPlan {
    func reorderDescriptor(from source: MemoryDescriptor, to target: MemoryDescriptor) throws -> PrimitiveDescriptor {
        guard let descriptor = try reorderDescriptor(from: source, to: target, Attributes()) else {
            throw ModelError("oneDNN cannot reorder \(Shape(source.dimensions)) into the layout that a primitive wants")
        }
        return descriptor
    }

    /// - Returns: nil if oneDNN cannot do that.
    func reorderDescriptor(
        from source: MemoryDescriptor, to target: MemoryDescriptor, _ attributes: Attributes
    ) throws -> PrimitiveDescriptor? {
        try PrimitiveDescriptor("reorder of \(Shape(source.dimensions))") {
            dnnl_reorder_primitive_desc_create(
                &$0, source.pointer, engine.engine, target.pointer, engine.engine, attributes.pointer)
        }
    }

    /// The bytes of a tensor in another layout.
    func reorder(
        _ tensor: Tensor, from source: MemoryDescriptor, to target: MemoryDescriptor
    ) throws -> Tensor {
        let primitive = try Primitive(reorderDescriptor(from: source, to: target))
        return try Tensor(dataType: .uint8, shape: [target.byteCount]) { bytes in
            try primitive.reorder(tensor, from: source, to: target, bytes, engine)
        }
    }
}

extension Primitive {
    /// Runs a reorder once, outside a plan.
    func reorder(
        _ tensor: Tensor, from source: MemoryDescriptor, to target: MemoryDescriptor,
        _ bytes: UnsafeMutableRawBufferPointer, _ engine: Engine
    ) throws {
        try tensor.withBytes { sourceBytes in
            let from = try Memory(source, at: UnsafeMutableRawPointer(mutating: sourceBytes.baseAddress), engine)
            try reorder(from, to: Memory(target, at: bytes.baseAddress, engine), engine)
        }
    }

    func reorder(_ from: Memory, to: Memory, _ engine: Engine) throws {
        try withUnsafeTemporaryAllocation(byteCount: scratchpad.byteCount + 1, alignment: 64) { scratch in
            let scratchMemory = try Memory(scratchpad, at: scratch.baseAddress, engine)
            try execute(
                [
                    dnnl_exec_arg_t(arg: DNNL_ARG_FROM, memory: from.pointer),
                    dnnl_exec_arg_t(arg: DNNL_ARG_TO, memory: to.pointer),
                    dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: scratchMemory.pointer),
                ], engine)
        }
    }
}

extension Tensor {
    /// The same tensor; a copy if its elements do not lie on multiples of their width, as in some mapped files.
    func aligned() -> Tensor {
        withBytes { bytes in
            if Int(bitPattern: bytes.baseAddress) % dataType.byteWidth == 0 { return self }
            return Tensor(dataType: dataType, shape: shape) { $0.copyMemory(from: bytes) }
        }
    }
}
