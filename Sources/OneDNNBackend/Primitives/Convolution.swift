import COneDNN
import Kernels
import TensorCore

extension ConvolutionKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let source = plan.type(of: step.operands[0]), weights = plan.type(of: step.operands[1])
        guard source.dataType != .int32 else { return false }
        // oneDNN wants the groups as an axis of their own.
        let outputs = weights.shape[0], tail = weights.shape.dimensions[1...]
        let weightShape = groups == 1 ? weights.shape : Shape([groups, outputs / groups] + tail)
        // oneDNN 2.4, which MXNet 1.9.1 has, leaves float32 convolutions to AVX2's direct kernels where the channels are not
        // multiples of 16; newer ones multiply matrices, which adds up in another order.
        let takesDirectKernel =
            plan.repeatsMXNetSums && source.dataType == .float32
            && outputs / groups % 16 != 0 && outputs / groups % 8 == 0
        let zeroPoint = Int32(clamping: sourceZeroPoint)
        return try stage.compile(step, into: plan, weightShape: weightShape) { layouts, attributes in
            if zeroPoint != 0 { try attributes.setSourceZeroPoint(zeroPoint) }
            return try PrimitiveDescriptor(
                "convolution of \(source) with \(weights)", dnnl_convolution_desc_t(), attributes, plan.engine,
                preferring: { !takesDirectKernel || ["jit:avx2", "jit_1x1:avx2"].contains($0) }
            ) {
                dnnl_dilated_convolution_forward_desc_init(
                    $0, dnnl_forward_inference, dnnl_convolution_direct, layouts.source.pointer,
                    layouts.weights.pointer, layouts.bias?.pointer, layouts.result.pointer, strides.map(Int64.init),
                    dilations.map { Int64($0 - 1) }, padsBegin.map(Int64.init), padsEnd.map(Int64.init))
            }
        }
    }
}

extension InnerProductKernel: AcceleratedKernel {
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool {
        let source = plan.type(of: step.operands[0]), weights = plan.type(of: step.operands[1])
        // The weights take the source's axes, so that the source need not be flattened.
        let weightShape = Shape([weights.shape[0]] + source.shape.dimensions[1...])
        return try stage.compile(step, into: plan, weightShape: weightShape) { layouts, attributes in
            try PrimitiveDescriptor(
                "inner product of \(source) with \(weights)", dnnl_inner_product_desc_t(), attributes, plan.engine
            ) {
                dnnl_inner_product_forward_desc_init(
                    $0, dnnl_forward_inference, layouts.source.pointer, layouts.weights.pointer, layouts.bias?.pointer,
                    layouts.result.pointer)
            }
        }
    }
}

extension OutputStage {
    struct Layouts {
        var source, weights, result: MemoryDescriptor
        var bias: MemoryDescriptor?
    }

    /// What the two kernels have in common: `create` gets layouts that oneDNN is free to choose.
    fileprivate func compile(
        _ step: KernelProgram.Step, into plan: ExecutionPlan, weightShape: Shape,
        _ create: (Layouts, Attributes) throws -> PrimitiveDescriptor?
    ) throws -> Bool {
        let types = step.operands.map(plan.type(of:)), resultType = plan.type(of: step.results[0])
        let biasBuffer = bias(of: step.operands), residual = residual(of: step.operands)
        guard let source = try MemoryDescriptor(types[0], .any),
            let weights = try MemoryDescriptor(TensorType(types[1].dataType, weightShape), .any),
            let result = try MemoryDescriptor(resultType, .any),
            let sumType = sumType(residual.map(plan.type(of:)), resultType)
        else { return false }
        let layouts = Layouts(
            source: source, weights: weights, result: result,
            bias: try biasBuffer.flatMap { try MemoryDescriptor(plan.type(of: $0), .rowMajor) })

        let attributes = try Attributes()
        if !scales.isEmpty { try attributes.setOutputScales(scales) }
        guard try attributes.setPostOperations(postOperations, sumType: sumType),
            let descriptor = try create(layouts, attributes)
        else { return false }

        var arguments = [
            (
                argument: DNNL_ARG_SRC,
                form: try plan.form(of: step.operands[0], as: descriptor.layout(of: DNNL_ARG_SRC))
            ),
            (DNNL_ARG_WEIGHTS, try plan.form(of: step.operands[1], as: descriptor.layout(of: DNNL_ARG_WEIGHTS))),
        ]
        if let biasBuffer {
            arguments.append((DNNL_ARG_BIAS, try plan.form(of: biasBuffer, as: descriptor.layout(of: DNNL_ARG_BIAS))))
        }
        let destination = try plan.destination(
            of: step, descriptor.layout(of: DNNL_ARG_DST), residual: residual, sumType: sumType)
        arguments.append((DNNL_ARG_DST, destination))
        try plan.add(descriptor, arguments)
        return true
    }

    /// How a residual lies in the bytes of the result: as it is if it is as wide, and converted if the result is wider.
    private func sumType(_ residual: TensorType?, _ result: TensorType) -> dnnl_data_type_t? {
        guard let residual else { return dnnl_data_type_undef }
        if residual.dataType.byteWidth == result.dataType.byteWidth { return residual.dataType.oneDNN }
        return residual.dataType.byteWidth < result.dataType.byteWidth ? result.dataType.oneDNN : nil
    }
}
