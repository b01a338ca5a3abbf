import COneDNN
import Kernels
import TensorCore

// Both are reorders with a factor: round half to even and saturation are those of the reference, bit for bit.

extension QuantizeKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        // oneDNN adds the zero point before it rounds, ONNX after it: ties would go the other way.
        guard zeroPoint == 0, let dataType = outputType.oneDNN,
            plan.type(of: step.operands[0]).dataType.oneDNN != nil
        else { return false }
        let source = plan.layout(of: step.operands[0])
        // Codes are wanted channels last by whatever comes next.
        let result = outputType.isCode
            ? try MemoryDescriptor(dataType, source.dimensions, .channelsLast) : source.with(dataType)
        let attributes = try Attributes()
        try attributes.setOutputScales([factor])
        return try plan.addReorder(step, to: result, attributes)
    }
}

extension DequantizeKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        guard plan.type(of: step.operands[0]).dataType.oneDNN != nil, let zeroPoint = Int32(exactly: zeroPoint) else {
            return false
        }
        let attributes = try Attributes()
        try attributes.setOutputScales([factor])
        if zeroPoint != 0 { try attributes.setSourceZeroPoint(zeroPoint) }
        return try plan.addReorder(step, to: plan.layout(of: step.operands[0]).with(dnnl_f32), attributes)
    }
}

extension ExecutionPlan {
    fileprivate func addReorder(
        _ step: KernelProgram.Step, to result: MemoryDescriptor, _ attributes: Attributes
    ) throws -> Bool {
        let source = layout(of: step.operands[0])
        guard let descriptor = try reorderDescriptor(from: source, to: result, attributes) else { return false }
        try add(
            descriptor,
            [
                (DNNL_ARG_FROM, try form(of: step.operands[0], as: source)),
                (DNNL_ARG_TO, try addForm(of: step.results[0], result)),
            ])
        return true
    }
}
