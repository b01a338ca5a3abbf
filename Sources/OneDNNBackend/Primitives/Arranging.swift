import COneDNN
import Kernels
import TensorCore

extension ConcatenateKernel: AcceleratedKernel {
    /// Operands come in the layouts in which they were produced; the result has the one that oneDNN finds best for them.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        // An operand without elements has no bytes to hand over.
        let operands = step.operands.filter { plan.type(of: $0).shape.elementCount > 0 }
        let result = plan.type(of: step.results[0])
        guard !operands.isEmpty, result.dataType.oneDNN != nil, result.shape.rank <= 12 else { return false }
        let layouts = operands.map(plan.layout(of:))
        guard zip(layouts, operands).allSatisfy({ $0.dimensions == plan.type(of: $1).shape.dimensions }),
            let wanted = try MemoryDescriptor(result, .any)
        else { return false }
        let attributes = try Attributes()
        let sources = layouts.map(\.pointer.pointee)
        let descriptor = try PrimitiveDescriptor("concatenation to \(result)") {
            dnnl_concat_primitive_desc_create(
                &$0, wanted.pointer, Int32(sources.count), Int32(axis), sources, attributes.pointer,
                plan.engine.engine)
        }
        guard let descriptor else { return false }
        var arguments = try zip(operands, layouts).enumerated().map { index, operand in
            (argument: DNNL_ARG_MULTIPLE_SRC + Int32(index), form: try plan.form(of: operand.0, as: operand.1))
        }
        let target = try plan.addForm(of: step.results[0], descriptor.layout(of: DNNL_ARG_DST))
        arguments.append((DNNL_ARG_DST, target))
        try plan.add(descriptor, arguments)
        return true
    }
}

extension StridedViewKernel: AcceleratedKernel {
    /// A view whose elements lie apart is a layout of its source: oneDNN reorders it into rows, in blocks and with all
    /// threads. Runs of elements that stay together are copied as fast by the kernel's own loops.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let axes = mergedAxes
        guard let dataType = plan.type(of: step.results[0]).dataType.oneDNN, offset == 0, 2...6 ~= axes.count,
            axes.last.map({ $0.stride > 1 }) ?? false, Self.areApart(axes)
        else { return false }
        let extents = axes.map(\.extent)
        let view = try MemoryDescriptor(dataType, extents, strides: axes.map(\.stride))
        let rows = try MemoryDescriptor(dataType, extents, .rowMajor)
        guard let descriptor = try plan.reorderDescriptor(from: view, to: rows, Attributes()) else { return false }
        let source = try plan.rowMajorForm(of: step.operands[0])
        let result = try plan.addForm(of: step.results[0], plan.rowMajorLayout(of: step.results[0]))
        try plan.add(
            descriptor,
            [(DNNL_ARG_FROM, plan.addView(view, of: source)), (DNNL_ARG_TO, plan.addView(rows, of: result))])
        return true
    }

    /// True if no element is seen twice, as far as strides tell.
    private static func areApart(_ axes: [(extent: Int, stride: Int)]) -> Bool {
        var reach = 1
        for axis in axes.sorted(by: { $0.stride < $1.stride }) {
            guard axis.stride >= reach else { return false }
            reach = axis.stride * axis.extent
        }
        return true
    }
}
