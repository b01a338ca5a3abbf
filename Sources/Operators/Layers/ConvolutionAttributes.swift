import GraphIR
import Kernels
import TensorCore

/// The attributes of MXNet's Convolution (src/operator/nn/convolution-inl.h, ConvolutionParam).
struct ConvolutionAttributes {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var pads: [Int]
    /// Padding at the end of each axis; ONNX may pad unevenly, MXNet cannot.
    var padsEnd: [Int]
    var filters: Int
    var groups: Int
    var hasBias: Bool

    init(_ attributes: Attributes) throws {
        guard let kernel = try attributes.extents("kernel"), !kernel.isEmpty, kernel.allSatisfy({ $0 > 0 }) else {
            throw ModelError("kernel is missing or empty")
        }
        let rank = kernel.count
        func spatial(_ name: String, default fallback: Int, atLeast least: Int) throws -> [Int] {
            guard let values = try attributes.extents(name), !values.isEmpty else {
                return [Int](repeating: fallback, count: rank)
            }
            guard values.count == rank, values.allSatisfy({ $0 >= least }) else {
                throw ModelError(
                    "\(name)=(\(values.commaSeparated)) does not fit the kernel (\(kernel.commaSeparated))")
            }
            return values
        }
        if let layout = attributes.text("layout"), layout != "None", !["NCW", "NCHW", "NCDHW"].contains(layout) {
            throw ModelError("layout \(layout) is not known", advice: "expected NCW, NCHW or NCDHW")
        }
        self.kernel = kernel
        strides = try spatial("stride", default: 1, atLeast: 1)
        dilations = try spatial("dilate", default: 1, atLeast: 1)
        pads = try spatial("pad", default: 0, atLeast: 0)
        padsEnd = try attributes["pad_end"] == nil ? pads : spatial("pad_end", default: 0, atLeast: 0)
        filters = try attributes.integer("num_filter") ?? 0
        groups = try attributes.integer("num_group") ?? 1
        hasBias = try !(attributes.boolean("no_bias") ?? false)
        guard 1...(1 << 30) ~= filters, 1...filters ~= groups, filters % groups == 0 else {
            throw ModelError("num_filter=\(filters) and num_group=\(groups) do not fit each other")
        }
    }

    /// Of the weights and, if there is one, of the bias.
    var parameterShapes: [Int: [Int?]] {
        [1: [filters, nil] + kernel].merging(hasBias ? [2: [filters]] : [:]) { first, _ in first }
    }

    func kernelOperation(_ stage: OutputStage) -> ConvolutionKernel {
        ConvolutionKernel(
            strides: strides, dilations: dilations, padsBegin: pads, padsEnd: padsEnd, groups: groups, stage: stage)
    }

    /// N×filters×… for a source N×C×…
    func resultShape(of source: Shape) throws -> Shape {
        guard source.rank == kernel.count + 2 else {
            throw ModelError("a \(kernel.count)-dimensional kernel cannot run over \(source)")
        }
        guard source[1] % groups == 0 else {
            throw ModelError("\(source[1]) channels cannot be split into num_group=\(groups)")
        }
        let weights = try Shape(checking: [filters, source[1] / groups] + kernel)
        return try kernelOperation(OutputStage()).resultTypes(
            [TensorType(.float32, source), TensorType(.float32, weights)])[0].shape
    }
}
