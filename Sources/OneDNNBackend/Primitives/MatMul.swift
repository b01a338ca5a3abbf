import COneDNN
import Kernels
import TensorCore

extension MatMulKernel: AcceleratedKernel {
    /// oneDNN wants as many axes on both sides, and repeats those of extent 1.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let types = step.operands.map(plan.type(of:)), result = plan.type(of: step.results[0])
        guard types.allSatisfy({ $0.dataType == .float32 && $0.shape.elementCount > 0 }) else { return false }
        guard result.shape.rank <= 12, let target = try MemoryDescriptor(result, .rowMajor) else { return false }
        let sources = try zip(types, [transposesA, transposesB]).map { type, transposes in
            try MemoryDescriptor.matrix(type.shape, rank: result.shape.rank, transposed: transposes)
        }
        let descriptor = try PrimitiveDescriptor(
            "matrix product of \(types[0]) and \(types[1])", dnnl_matmul_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_matmul_desc_init($0, sources[0].pointer, sources[1].pointer, nil, target.pointer)
        }
        guard let descriptor else { return false }
        let operands = try zip(step.operands, sources).map { buffer, layout in
            plan.addForm(of: buffer, layout, sharing: try plan.rowMajorForm(of: buffer))
        }
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC, operands[0]), (DNNL_ARG_WEIGHTS, operands[1]),
                (DNNL_ARG_DST, try plan.addForm(of: step.results[0], target)),
            ])
        return true
    }
}

extension MemoryDescriptor {
    /// Row-major matrices with axes of extent 1 before them up to `rank`, read as their transposes if wanted.
    fileprivate static func matrix(_ shape: Shape, rank: Int, transposed: Bool) throws -> MemoryDescriptor {
        let missing = [Int](repeating: 1, count: rank - shape.rank)
        var dimensions = missing + shape.dimensions
        var strides = Shape(dimensions).strides
        if transposed {
            dimensions.swapAt(rank - 1, rank - 2)
            strides.swapAt(rank - 1, rank - 2)
        }
        return try MemoryDescriptor(dnnl_f32, dimensions, strides: strides)
    }
}
