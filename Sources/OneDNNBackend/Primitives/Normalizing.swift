import COneDNN
import Kernels
import TensorCore

extension NormalizationKernel: AcceleratedKernel {
    /// oneDNN's layer normalization, on rows: the axes are the last ones.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let shape = plan.type(of: step.operands[0]).shape
        guard measure == .standard, !givesStatistics, axes.upperBound == shape.rank else { return false }
        let rows = shape.dimensions[..<axes.lowerBound].reduce(1, *)
        let layout = try MemoryDescriptor(dnnl_f32, [rows, shape.elementCount / rows], .rowMajor)
        let statistics = try MemoryDescriptor(dnnl_f32, [rows], .rowMajor)
        let descriptor = try PrimitiveDescriptor(
            "layer normalization of \(shape)", dnnl_layer_normalization_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_layer_normalization_forward_desc_init(
                $0, dnnl_forward_inference, layout.pointer, statistics.pointer, epsilon, 0)
        }
        guard let descriptor else { return false }
        let result = try plan.addForm(of: step.results[0], plan.rowMajorLayout(of: step.results[0]))
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC, try plan.form(of: step.operands[0], seenAs: layout, as: layout)),
                (DNNL_ARG_DST, plan.addView(of: result, layout)),
            ])
        return true
    }
}

extension LocalResponseKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let type = plan.type(of: step.operands[0])
        guard 3...5 ~= type.shape.rank else { return false }
        let layout = plan.layout(of: step.operands[0])
        let descriptor = try PrimitiveDescriptor(
            "local response normalization of \(type)", dnnl_lrn_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_lrn_forward_desc_init(
                $0, dnnl_forward_inference, dnnl_lrn_across_channels, layout.pointer, Int64(size), alpha, beta, bias)
        }
        guard let descriptor else { return false }
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC, try plan.form(of: step.operands[0], as: layout)),
                (DNNL_ARG_DST, try plan.addForm(of: step.results[0], layout)),
            ])
        return true
    }
}
