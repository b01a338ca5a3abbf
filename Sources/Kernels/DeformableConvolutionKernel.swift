import TensorCore

/// A convolution over two axes whose taps are moved by offsets that the network computes, and weighed by a mask
/// (Dai et al., 2017; Zhu et al., 2018). float32.
///
/// Operands: source N×C×H×W, offsets N×(deformable groups · taps · 2)×H'×W' with (y, x) for each tap, the mask
/// N×(deformable groups · taps)×H'×W' if `hasMask`, weights O×(C/groups)×kernel…, bias [O] if the stage has one.
public struct DeformableConvolutionKernel: Kernel, Hashable {
    public static let name = "deformable convolution"
    /// strides, dilations, padding and groups; its stage is the stage.
    public var convolution: ConvolutionKernel
    public var deformableGroups: Int
    /// Whether there is an operand that weighs the samples.
    public var hasMask: Bool
    /// A tap within one element outside of the source is a mixture with zeros; otherwise it is zero, and one beyond the
    /// last element's centre is that element.
    public var fadesOut: Bool

    public init(_ convolution: ConvolutionKernel, deformableGroups: Int, hasMask: Bool, fadesOut: Bool) {
        self.convolution = convolution
        self.deformableGroups = deformableGroups
        self.hasMask = hasMask
        self.fadesOut = fadesOut
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let first = hasMask ? 3 : 2
        guard operands.count == first + convolution.stage.operandCount - 1,
            operands.allSatisfy({ $0.dataType == .float32 })
        else { throw ModelError("a deformable convolution got \(operands)") }
        let result = try convolution.resultTypes([operands[0]] + operands[first...])
        let source = operands[0].shape, weights = operands[first].shape, shape = result[0].shape
        guard source.rank == 4, deformableGroups > 0, source[1] % deformableGroups == 0 else {
            throw ModelError("a deformable convolution of \(source) in \(deformableGroups) deformable groups")
        }
        let taps = deformableGroups * weights[2] * weights[3]
        func check(_ operand: TensorType, _ channels: Int, _ role: String) throws {
            let expected = Shape([shape[0], channels, shape[2], shape[3]])
            guard operand.shape == expected else {
                throw ModelError("the \(role) is \(operand.shape), but a deformable convolution needs \(expected)")
            }
        }
        try check(operands[1], 2 * taps, "offset")
        if hasMask { try check(operands[2], taps, "mask") }
        return result
    }
}
