import TensorCore

// Arithmetic of tensors whose ranges are found at run time; see RunTimeRangeKernels.swift. MXNet 1.9.1, src/operator/:
// quantization/quantization_utils.h, mkldnn/mkldnn_quantized_elemwise_add.cc, mkldnn_quantized_concat.cc.

/// The range that int32 products of codes have: ±(A/a)(B/b)(2^31 − 1), with A and B the magnitudes of the two ranges and
/// a and b 127.5 or 255.5, as codes are read; MXNet takes 127 and 255. Operands: two ranges.
public struct RunTimeProductRangeKernel: Kernel, Hashable {
    public static let name = "range of products at run time"
    /// The types of the operands.
    public var types: [DataType]
    /// Computes as MXNet 1.9.1 does, its mistakes included.
    public var repeatsMXNet: Bool

    public init(_ first: DataType, _ second: DataType, repeatsMXNet: Bool = false) {
        types = [first, second]
        self.repeatsMXNet = repeatsMXNet
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands == [.range, .range] else { throw ModelError("a product has two ranges, not \(operands)") }
        return [.range]
    }
}

/// a + b as int32 on the range ±(A + B), with A and B the magnitudes of the two ranges, a little more so that two codes of
/// −128 fit in. MXNet lets their sum saturate.
/// Operands: codes and range of a, codes and range of b.
public struct RunTimeAddKernel: Kernel, Hashable {
    public static let name = "add at run time"
    /// 128 codes over the 127.5 that a range has.
    public static let stretch: Float = 128 / 127.5
    /// Computes as MXNet 1.9.1 does, its mistakes included.
    public var repeatsMXNet: Bool

    public init(repeatsMXNet: Bool = false) { self.repeatsMXNet = repeatsMXNet }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 4, operands[0].dataType.isCode, operands[2].dataType.isCode,
            operands[0].shape == operands[2].shape, operands[1] == .range, operands[3] == .range
        else { throw ModelError("a sum of codes with run-time ranges does not fit \(operands)") }
        return [TensorType(.int32, operands[0].shape), .range]
    }
}

/// The range that holds all operands' ranges, and zero.
public struct RunTimeUnionKernel: Kernel, Hashable {
    public static let name = "union of ranges at run time"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.allSatisfy({ $0 == .range }) else { throw ModelError("\(operands) are not ranges") }
        return [.range]
    }
}

/// Codes on one range → codes on another: round(code · s_new / s_old). Operands: codes, their range, the new range.
public struct RunTimeRescaleKernel: Kernel, Hashable {
    public static let name = "rescale at run time"
    /// The type of the results.
    public var outputType: DataType

    public init(outputType: DataType) { self.outputType = outputType }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 3, operands[0].dataType.isCode, operands[1] == .range, operands[2] == .range,
            outputType.isCode
        else { throw ModelError("cannot rescale \(operands) to \(outputType)") }
        return [TensorType(outputType, operands[0].shape)]
    }
}
