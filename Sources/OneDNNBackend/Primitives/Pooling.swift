import COneDNN
import Kernels
import TensorCore

extension PoolingKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let source = plan.type(of: step.operands[0]), result = plan.type(of: step.results[0])
        guard let algorithm = kind.oneDNN, window.count <= 3, !hasEmptyWindow(source.shape, result.shape),
            kind != .averageIncludingPadding || padsEnd == countedPadsEnd,
            // Codes are only pooled by fast code if their channels are innermost.
            let sourceLayout = source.dataType.isCode
                ? try MemoryDescriptor(source, .channelsLast) : plan.layout(of: step.operands[0]),
            let resultLayout = try MemoryDescriptor(result, .any)
        else { return false }
        let descriptor = try PrimitiveDescriptor(
            "pooling of \(source)", dnnl_pooling_v2_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_pooling_v2_forward_desc_init(
                $0, dnnl_forward_inference, algorithm, sourceLayout.pointer, resultLayout.pointer,
                strides.map(Int64.init), window.map(Int64.init), dilations.map { Int64($0 - 1) },
                padsBegin.map(Int64.init), padsEnd.map(Int64.init))
        }
        guard let descriptor else { return false }
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC, try plan.form(of: step.operands[0], as: sourceLayout)),
                (DNNL_ARG_DST, try plan.addForm(of: step.results[0], descriptor.layout(of: DNNL_ARG_DST))),
            ])
        return true
    }
}

extension PoolingKernel.Kind {
    /// nil for what oneDNN cannot pool.
    fileprivate var oneDNN: dnnl_alg_kind_t? {
        switch self {
        case .max: dnnl_pooling_max
        case .averageIncludingPadding: dnnl_pooling_avg_include_padding
        case .averageExcludingPadding: dnnl_pooling_avg_exclude_padding
        case .maxIncludingPadding, .sum, .norm: nil
        }
    }
}
