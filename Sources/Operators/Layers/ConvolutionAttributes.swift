import GraphIR
import Kernels
import TensorCore

/// The attributes of MXNet's Convolution (src/operator/nn/convolution-inl.h, ConvolutionParam).
struct ConvolutionAttributes {
    var window: WindowAttributes
    var filters: Int
    var groups: Int
    var hasBias: Bool

    /// - Parameter hasBias: whether there is a bias if the attributes do not say.
    init(_ attributes: Attributes, hasBias: Bool = true) throws {
        window = try WindowAttributes(attributes)
        filters = try attributes.integer("num_filter") ?? 0
        groups = try attributes.integer("num_group") ?? 1
        self.hasBias = try !(attributes.boolean("no_bias") ?? !hasBias)
        guard 1...(1 << 30) ~= filters, 1...filters ~= groups, filters % groups == 0 else {
            throw ModelError("num_filter=\(filters) and num_group=\(groups) do not fit each other")
        }
    }

    var kernel: [Int] { window.kernel }

    /// Of the weights and, if there is one, of the bias.
    var parameterShapes: [Int: [Int?]] {
        [1: [filters, nil] + kernel].merging(hasBias ? [2: [filters]] : [:]) { first, _ in first }
    }

    /// The kernel for padding that is known: of a window that `resolved(over:)` gave.
    func kernelOperation(_ stage: OutputStage) -> ConvolutionKernel {
        ConvolutionKernel(
            strides: window.strides, dilations: window.dilations, padsBegin: window.pads, padsEnd: window.padsEnd,
            groups: groups, stage: stage)
    }

    /// The same with explicit padding.
    func resolved(over source: Shape) throws -> ConvolutionAttributes {
        var copy = self
        copy.window = try window.resolved(over: source)
        return copy
    }

    /// N×filters×… for a source N×C×…
    func resultShape(of source: Shape) throws -> Shape {
        let attributes = try resolved(over: source)
        guard source[1] % groups == 0 else {
            throw ModelError("\(source[1]) channels cannot be split into num_group=\(groups)")
        }
        let weights = try Shape(checking: [filters, source[1] / groups] + kernel)
        return try attributes.kernelOperation(OutputStage()).resultTypes(
            [TensorType(.float32, source), TensorType(.float32, weights)])[0].shape
    }
}
