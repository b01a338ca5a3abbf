import Kernels
import TensorCore

// Other views of the same bytes: no action at all.

extension ReshapeKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let source = try plan.rowMajorForm(of: step.operands[0])
        _ = plan.addForm(of: step.results[0], try plan.rowMajorLayout(of: step.results[0]), sharing: source)
        return true
    }
}

extension ReinterpretKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let sourceType = plan.type(of: step.operands[0]).dataType
        guard sourceType.byteWidth == dataType.byteWidth, sourceType.oneDNN != nil, let type = dataType.oneDNN else {
            return false
        }
        let source = plan.firstForm(of: step.operands[0])
        _ = plan.addForm(of: step.results[0], plan.layout(of: step.operands[0]).with(type), sharing: source)
        return true
    }
}
