import COneDNN
import Kernels
import TensorCore

extension ActivationKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let type = plan.type(of: step.operands[0]).dataType
        // As a primitive of its own a function has no scale, and of those of codes oneDNN knows one.
        // Its logarithm is not accurate near 1, nor is log(1 + exp(x)) where it is small.
        guard let algorithm = function.kind.oneDNN, function.scale == 1, ![.log, .softrelu].contains(function.kind),
            type == .float32 || type.isCode && function.kind == .relu
        else { return false }
        let layout = plan.layout(of: step.operands[0])
        let descriptor = try PrimitiveDescriptor(
            "\(function.kind.rawValue)", dnnl_eltwise_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_eltwise_forward_desc_init(
                $0, dnnl_forward_inference, algorithm, layout.pointer, function.alpha, function.beta)
        }
        return try plan.addUnary(descriptor, step, layout)
    }
}

extension UnaryKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let algorithm: (kind: dnnl_alg_kind_t, alpha: Float)? =
            switch function {
            case .negative: (dnnl_eltwise_linear, -1)
            case .absolute: (dnnl_eltwise_abs, 0)
            case .square: (dnnl_eltwise_square, 0)
            case .sqrt: (dnnl_eltwise_sqrt, 0)
            case .exp: (dnnl_eltwise_exp, 0)
            case .roundHalfToEven: (dnnl_eltwise_round, 0)
            // log near 1 and tanh near 0 are off by up to 1e-6 in oneDNN, which is much where they are as small.
            default: nil
            }
        guard let algorithm, plan.type(of: step.operands[0]).dataType == .float32 else { return false }
        let layout = plan.layout(of: step.operands[0])
        let descriptor = try PrimitiveDescriptor(function.rawValue, dnnl_eltwise_desc_t(), Attributes(), plan.engine) {
            dnnl_eltwise_forward_desc_init(
                $0, dnnl_forward_inference, algorithm.kind, layout.pointer, algorithm.alpha, 0)
        }
        return try plan.addUnary(descriptor, step, layout)
    }
}

extension SoftmaxKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let type = plan.type(of: step.operands[0])
        guard type.dataType == .float32, let axis = type.shape.normalized(axis: axis) else { return false }
        let layout = plan.layout(of: step.operands[0])
        let algorithm = isLogarithm ? dnnl_softmax_log : dnnl_softmax_accurate
        let descriptor = try PrimitiveDescriptor(
            "softmax of \(type)", dnnl_softmax_v2_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_softmax_v2_forward_desc_init(
                $0, dnnl_forward_inference, algorithm, layout.pointer, layout.pointer, Int32(axis))
        }
        return try plan.addUnary(descriptor, step, layout)
    }
}

extension ScaleShiftKernel: AcceleratedKernel {
    /// Batch normalization with mean 0, variance 1 and epsilon 0.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let type = plan.type(of: step.operands[0])
        guard type.dataType == .float32 else { return false }
        let layout = plan.layout(of: step.operands[0])
        let flags = dnnl_use_global_stats.rawValue | dnnl_use_scale.rawValue | dnnl_use_shift.rawValue
        let descriptor = try PrimitiveDescriptor(
            "batch normalization of \(type)", dnnl_batch_normalization_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_batch_normalization_forward_desc_init($0, dnnl_forward_inference, layout.pointer, 0, flags)
        }
        let channels = type.shape[1]
        return try plan.addUnary(
            descriptor, step, layout,
            [
                (DNNL_ARG_SCALE, try plan.rowMajorForm(of: step.operands[1])),
                (DNNL_ARG_SHIFT, try plan.rowMajorForm(of: step.operands[2])),
                (DNNL_ARG_MEAN, try plan.addConstant([Float](repeating: 0, count: channels))),
                (DNNL_ARG_VARIANCE, try plan.addConstant([Float](repeating: 1, count: channels))),
            ])
    }
}

extension BinaryKernel: AcceleratedKernel {
    /// oneDNN repeats the second operand only, and wants as many axes on both sides.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let result = plan.type(of: step.results[0])
        var (first, second) = (step.operands[0], step.operands[1])
        if plan.type(of: first).shape != result.shape, operation.isCommutative { swap(&first, &second) }
        let secondType = plan.type(of: second)
        guard let algorithm = operation.oneDNN, result.dataType == .float32, plan.type(of: first).shape == result.shape,
            result.shape.rank > 0
        else { return false }
        let layout = plan.layout(of: first)
        let missing = [Int](repeating: 1, count: result.shape.rank - secondType.shape.rank)
        let secondLayout =
            secondType.shape == result.shape
            ? layout : try MemoryDescriptor(dnnl_f32, missing + secondType.shape.dimensions, .rowMajor)
        let descriptor = try PrimitiveDescriptor(
            "\(operation.rawValue) of \(result)", dnnl_binary_desc_t(), Attributes(), plan.engine
        ) {
            dnnl_binary_desc_init($0, algorithm, layout.pointer, secondLayout.pointer, layout.pointer)
        }
        guard let descriptor else { return false }
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC_0, try plan.form(of: first, as: layout)),
                (DNNL_ARG_SRC_1, try plan.form(of: second, as: secondLayout)),
                (DNNL_ARG_DST, try plan.addForm(of: step.results[0], layout)),
            ])
        return true
    }
}

extension BinaryOperation {
    /// nil for what oneDNN has no primitive for, or answers with numbers instead of booleans.
    fileprivate var oneDNN: dnnl_alg_kind_t? {
        switch self {
        case .add: dnnl_binary_add
        case .subtract: dnnl_binary_sub
        case .multiply: dnnl_binary_mul
        case .divide: dnnl_binary_div
        case .maximum: dnnl_binary_max
        case .minimum: dnnl_binary_min
        default: nil
        }
    }
}

extension ScaledAddKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let types = step.operands.map(plan.type(of:))
        guard let a = try MemoryDescriptor(types[0], .channelsLast),
            let b = try MemoryDescriptor(types[1], .channelsLast),
            let result = try MemoryDescriptor(plan.type(of: step.results[0]), .channelsLast)
        else { return false }
        let attributes = try Attributes()
        try attributes.setScale(scaleA, of: DNNL_ARG_SRC_0)
        try attributes.setScale(scaleB, of: DNNL_ARG_SRC_1)
        if relu { _ = try attributes.setPostOperations([.activation(ActivationFunction(.relu))]) }
        let descriptor = try PrimitiveDescriptor(
            "sum of \(types[0]) and \(types[1])", dnnl_binary_desc_t(), attributes, plan.engine
        ) {
            dnnl_binary_desc_init($0, dnnl_binary_add, a.pointer, b.pointer, result.pointer)
        }
        guard let descriptor else { return false }
        try plan.add(
            descriptor,
            [
                (DNNL_ARG_SRC_0, try plan.form(of: step.operands[0], as: a)),
                (DNNL_ARG_SRC_1, try plan.form(of: step.operands[1], as: b)),
                (DNNL_ARG_DST, try plan.addForm(of: step.results[0], result)),
            ])
        return true
    }
}

extension ExecutionPlan {
    /// One source and one result in the same layout, and operands that are the same in every run.
    fileprivate func addUnary(
        _ descriptor: PrimitiveDescriptor?, _ step: KernelProgram.Step, _ layout: MemoryDescriptor,
        _ more: @autoclosure () throws -> [(argument: Int32, form: Int)] = []
    ) throws -> Bool {
        guard let descriptor else { return false }
        let arguments = [
            (argument: DNNL_ARG_SRC, form: try form(of: step.operands[0], as: layout)),
            (DNNL_ARG_DST, try addForm(of: step.results[0], layout)),
        ]
        try add(descriptor, try arguments + more())
        return true
    }
}
