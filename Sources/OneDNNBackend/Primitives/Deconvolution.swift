import COneDNN
import Kernels
import TensorCore

extension DeconvolutionKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let source = plan.type(of: step.operands[0]), weights = plan.type(of: step.operands[1])
        let result = plan.type(of: step.results[0])
        guard source.dataType == .float32, result.dataType == .float32, !stage.hasResidual, stage.scales.isEmpty,
            strides.count <= 3, padsEnd.allSatisfy({ $0 >= 0 })
        else { return false }
        // oneDNN wants groups × outputs × channels; stored are groups × channels × outputs.
        let kernel = Array(weights.shape.dimensions[2...])
        let channels = weights.shape[0] / groups, outputs = weights.shape[1]
        let taps = kernel.reduce(1, *)
        let stored = try MemoryDescriptor(
            dnnl_f32, [groups, outputs, channels] + kernel,
            strides: [channels * outputs * taps, taps, outputs * taps] + Shape(kernel).strides)
        let attributes = try Attributes()
        guard try attributes.setPostOperations(stage.postOperations),
            let sourceLayout = try MemoryDescriptor(source, .any), let resultLayout = try MemoryDescriptor(result, .any)
        else { return false }
        let weightLayout = try MemoryDescriptor(dnnl_f32, stored.dimensions, .any)
        let biasLayout = try stage.bias(of: step.operands).flatMap {
            try MemoryDescriptor(plan.type(of: $0), .rowMajor)
        }
        let descriptor = try PrimitiveDescriptor(
            "deconvolution of \(source) with \(weights)", dnnl_deconvolution_desc_t(), attributes, plan.engine
        ) {
            dnnl_dilated_deconvolution_forward_desc_init(
                $0, dnnl_forward_inference, dnnl_deconvolution_direct, sourceLayout.pointer, weightLayout.pointer,
                biasLayout?.pointer, resultLayout.pointer, strides.map(Int64.init), dilations.map { Int64($0 - 1) },
                padsBegin.map(Int64.init), padsEnd.map(Int64.init))
        }
        guard let descriptor else { return false }
        var arguments = [
            (
                argument: DNNL_ARG_SRC,
                form: try plan.form(of: step.operands[0], as: descriptor.layout(of: DNNL_ARG_SRC))
            ),
            (
                DNNL_ARG_WEIGHTS,
                try plan.form(of: step.operands[1], seenAs: stored, as: descriptor.layout(of: DNNL_ARG_WEIGHTS))
            ),
        ]
        if let bias = stage.bias(of: step.operands) {
            arguments.append((DNNL_ARG_BIAS, try plan.form(of: bias, as: descriptor.layout(of: DNNL_ARG_BIAS))))
        }
        arguments.append((DNNL_ARG_DST, try plan.addForm(of: step.results[0], descriptor.layout(of: DNNL_ARG_DST))))
        try plan.add(descriptor, arguments)
        return true
    }
}
