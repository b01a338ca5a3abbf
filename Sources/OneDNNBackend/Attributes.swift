import COneDNN
import Kernels
import TensorCore

/// What is done to the result of a primitive: scales, post-operations. Scratch memory is always the caller's.
final class Attributes {
    let pointer: dnnl_primitive_attr_t

    init() throws {
        var pointer: dnnl_primitive_attr_t?
        try check(dnnl_primitive_attr_create(&pointer), "creating attributes")
        guard let pointer else { throw ModelError("oneDNN made no attributes") }
        self.pointer = pointer
        try check(
            dnnl_primitive_attr_set_scratchpad_mode(pointer, dnnl_scratchpad_mode_user), "choosing the scratch memory")
    }

    deinit { dnnl_primitive_attr_destroy(pointer) }

    /// One factor, or one for each index along axis 1.
    func setOutputScales(_ scales: [Float]) throws {
        let mask: Int32 = scales.count == 1 ? 0 : 1 << 1
        try check(
            dnnl_primitive_attr_set_output_scales(pointer, Int64(scales.count), mask, scales), "setting output scales")
    }

    /// The factor of one of the operands of a binary primitive.
    func setScale(_ scale: Float, of argument: Int32) throws {
        try check(dnnl_primitive_attr_set_scales(pointer, argument, 1, 0, [scale]), "setting an operand's scale")
    }

    func setSourceZeroPoint(_ zeroPoint: Int32) throws {
        try check(
            dnnl_primitive_attr_set_zero_points(pointer, DNNL_ARG_SRC, 1, 0, [zeroPoint]), "setting a zero point")
    }

    /// - Parameter sumType: how the bytes that a sum finds in the destination are read.
    /// - Returns: false if oneDNN has no such post-operation.
    func setPostOperations(
        _ operations: [PostOperation], sumType: dnnl_data_type_t = dnnl_data_type_undef
    ) throws -> Bool {
        var list: dnnl_post_ops_t?
        try check(dnnl_post_ops_create(&list), "creating post-operations")
        defer { dnnl_post_ops_destroy(list) }
        for operation in operations {
            switch operation {
            case .sum(let scale):
                try check(dnnl_post_ops_append_sum_v3(list, scale, 0, sumType), "appending a sum")
            case .activation(let function):
                guard let algorithm = function.kind.oneDNN else { return false }
                try check(
                    dnnl_post_ops_append_eltwise(list, function.scale, algorithm, function.alpha, function.beta),
                    "appending \(function.kind.rawValue)")
            }
        }
        try check(dnnl_primitive_attr_set_post_ops(pointer, list), "setting post-operations")
        return true
    }
}

extension ActivationFunction.Kind {
    var oneDNN: dnnl_alg_kind_t? {
        switch self {
        case .relu: dnnl_eltwise_relu
        case .clip: dnnl_eltwise_clip
        case .sigmoid: dnnl_eltwise_logistic
        case .tanh: dnnl_eltwise_tanh
        case .softrelu: dnnl_eltwise_soft_relu
        case .softsign, .celu, .hardSigmoid, .thresholdedRelu, .shrink, .smoothL1: nil
        case .elu: dnnl_eltwise_elu
        case .gelu: dnnl_eltwise_gelu_erf
        case .geluTanh: dnnl_eltwise_gelu_tanh
        case .swish: dnnl_eltwise_swish
        case .hardSwish: dnnl_eltwise_hardswish
        case .mish: dnnl_eltwise_mish
        case .exp: dnnl_eltwise_exp
        case .log: dnnl_eltwise_log
        case .abs: dnnl_eltwise_abs
        case .square: dnnl_eltwise_square
        case .sqrt: dnnl_eltwise_sqrt
        case .round: dnnl_eltwise_round
        case .linear: dnnl_eltwise_linear
        }
    }
}
