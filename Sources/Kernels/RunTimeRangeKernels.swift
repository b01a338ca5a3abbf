import TensorCore

// Quantization without calibration (MXNet's calib_mode none): each range is found in the tensor itself, at run time,
// and travels beside the codes as a float32 tensor [min, max]. Arithmetic of MXNet 1.9.1, src/operator/: quantization/
// mkldnn/mkldnn_quantize_v2-inl.h, mkldnn_requantize-inl.h, mkldnn_dequantize-inl.h, subgraph/mkldnn/mkldnn_conv.cc.

/// float32 → codes and their range: code = saturate(round(x · 127.5 or 255.5 / max|x|)).
///
/// The range is ±max|x| for int8, and what was observed for uint8.
public struct RunTimeQuantizeKernel: Kernel, Hashable {
    public static let name = "quantize at run time"
    /// The type of the results.
    public var outputType: DataType

    public init(outputType: DataType) { self.outputType = outputType }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, operands[0].dataType == .float32, outputType.isCode else {
            throw ModelError("cannot quantize \(operands) to \(outputType) at run time")
        }
        return [TensorType(outputType, operands[0].shape), .range]
    }
}

/// Adds bias and residual to the int32 sums of a convolution or an inner product whose source has a run-time range, and
/// says which range the result has.
///
///     value = sum / (s_w · s_x) + bias + residual  →  activation  →  · min(s_w · s_x, 2³⁰ / max|value|), round to int32
///
/// MXNet adds sums, with a bias that may not fit into them, and says a range that is 0.8 % too large (0.6 % for uint8):
///
///     value = sum + round(bias · s_w · s_x) + residual · s_w · s_x / s_residual  →  activation  →  round to int32
///
/// Operands: sums N×C×…, range of the source, bias [C] float32 if any, residual and range of the residual if any.
public struct RunTimeAccumulatorKernel: Kernel, Hashable {
    public static let name = "accumulate at run time"
    /// max|w| of the float weights.
    public var weightMagnitude: Float
    /// s_w, one for all channels.
    public var weightCodesPerUnit: Float
    /// What the codes were that the sums are products of.
    public var sourceType: DataType
    /// The type of what is added; nil without an addition.
    public var residualType: DataType?
    /// Whether there is an operand that is added to each channel.
    public var hasBias: Bool
    /// What follows the sum; nil for nothing.
    public var activation: ActivationFunction?
    /// Computes as MXNet 1.9.1 does, its mistakes included.
    public var repeatsMXNet: Bool

    public init(
        weightMagnitude: Float, weightCodesPerUnit: Float, sourceType: DataType, residualType: DataType? = nil,
        hasBias: Bool = false, activation: ActivationFunction? = nil, repeatsMXNet: Bool = false
    ) {
        self.weightMagnitude = weightMagnitude
        self.weightCodesPerUnit = weightCodesPerUnit
        self.sourceType = sourceType
        self.residualType = residualType
        self.hasBias = hasBias
        self.activation = activation
        self.repeatsMXNet = repeatsMXNet
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let residualIndex = hasBias ? 3 : 2
        guard operands.count == residualIndex + (residualType == nil ? 0 : 2),
            operands[0].dataType == .int32, operands[0].shape.rank >= 2, operands[1] == .range,
            !hasBias || operands[2] == TensorType(.float32, [operands[0].shape[1]])
        else { throw ModelError("sums with a run-time range do not fit \(operands)") }
        if let residualType {
            guard operands[residualIndex] == TensorType(residualType, operands[0].shape),
                operands[residualIndex + 1] == .range
            else { throw ModelError("the residual \(operands[residualIndex]) does not fit sums \(operands[0].shape)") }
        }
        return [operands[0], .range]
    }
}

/// int32 and their range → codes and their range, which is found in the tensor:
/// code = saturate(round(x · unit · 127.5 or 255.5 / R)) with unit = magnitude(range) / (2^31 − 1), R = max|x| · unit.
/// MXNet takes 127 and 255 here, although its codes are read with 127.5 and 255.5.
public struct RunTimeRequantizeKernel: Kernel, Hashable {
    public static let name = "requantize at run time"
    /// The type of the results.
    public var outputType: DataType
    /// Computes as MXNet 1.9.1 does, its mistakes included.
    public var repeatsMXNet: Bool

    public init(outputType: DataType, repeatsMXNet: Bool = false) {
        self.outputType = outputType
        self.repeatsMXNet = repeatsMXNet
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].dataType == .int32, operands[1] == .range, outputType.isCode else {
            throw ModelError("cannot requantize \(operands) to \(outputType) at run time")
        }
        return [TensorType(outputType, operands[0].shape), .range]
    }
}

/// Codes or int32 and their range → float32: x · magnitude / (127.5, 255.5 or 2^31 − 1).
public struct RunTimeDequantizeKernel: Kernel, Hashable {
    public static let name = "dequantize at run time"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, [.int8, .uint8, .int32].contains(operands[0].dataType), operands[1] == .range else {
            throw ModelError("cannot dequantize \(operands) at run time")
        }
        return [TensorType(.float32, operands[0].shape)]
    }
}

extension TensorType {
    /// How a range travels: [min, max].
    public static let range = TensorType(.float32, [2])
}
