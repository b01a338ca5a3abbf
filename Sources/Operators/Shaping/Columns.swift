import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The windows of a convolution as columns (src/operator/nn/im2col-inl.h): N×C×spatial… → N×(C·kernel)×windows.
///
/// Windows overlap, so the result is a view that reads elements more than once:
///
///     result[n, c, k₀, k₁, o₀, o₁] = padded[n, c, o₀ · stride₀ + k₀ · dilate₀, o₁ · stride₁ + k₁ · dilate₁]
struct WindowColumns: OperatorDefinition {
    let name = "im2col"
    let summary = "the windows of a convolution as columns"
    let mxnet: MXNetForm? = MXNetForm("im2col")
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")
    let onnx = ONNXForm.unsupported(because: "ONNX has no operator for windows that overlap, only for the way back")

    /// Kernels for a source of this shape.
    private struct Plan {
        var pad: PadKernel
        var view: StridedViewKernel
        var shape: Shape
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        return [ValueType(type.dataType, try type.shape.map { try plan(node.attributes, $0).shape })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        let plan = try plan(node.attributes, lowering.type(of: LoweredValue(source)).shape)
        let padded = try lowering.add(plan.pad, [source], node)
        let windows = try lowering.add(plan.view, [padded], node)
        lowering.define(node, LoweredValue(try lowering.add(ReshapeKernel(plan.shape), [windows], node)))
    }

    private func plan(_ attributes: Attributes, _ source: Shape) throws -> Plan {
        let kernel = try attributes.extents("kernel") ?? []
        let rank = kernel.count
        guard rank > 0, source.rank == rank + 2, kernel.allSatisfy({ $0 > 0 }) else {
            throw ModelError("kernel=(\(kernel.commaSeparated)) does not fit data of shape \(source)")
        }
        func list(_ name: String, _ fallback: Int) throws -> [Int] {
            let values = try attributes.extents(name) ?? []
            guard values.isEmpty || values.count == rank else { throw ModelError("\(name) does not fit the kernel") }
            return values.isEmpty ? [Int](repeating: fallback, count: rank) : values
        }
        let strides = try list("stride", 1), dilations = try list("dilate", 1), pads = try list("pad", 0)
        guard (strides + dilations).allSatisfy({ $0 > 0 }) else { throw ModelError("stride or dilate is 0") }
        let border = PadKernel(.constant(0), begin: [0, 0] + pads, end: [0, 0] + pads)
        let padded = try border.resultTypes([TensorType(.float32, source)])[0].shape
        let windows = try (0..<rank).map { axis in
            let room = padded[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1
            guard room >= 0 else { throw ModelError("the kernel does not fit into \(source) with its padding") }
            return room / strides[axis] + 1
        }
        let steps = padded.strides
        let view = StridedViewKernel(
            shape: try Shape(checking: Array(padded.dimensions[..<2]) + kernel + windows),
            strides: Array(steps[..<2]) + (0..<rank).map { steps[$0 + 2] * dilations[$0] }
                + (0..<rank).map { steps[$0 + 2] * strides[$0] })
        let columns = [source[0], source[1] * kernel.reduce(1, *), windows.reduce(1, *)]
        return Plan(pad: border, view: view, shape: Shape(columns))
    }

    let examples = [
        OperatorExample(
            "strides, padding, dilation",
            """
            %data: float32[2, 3, 5, 6] = input
            %columns_output = im2col(%data) {dilate="(1, 2)", kernel="(3, 2)", pad="(1, 0)", stride="(2, 1)"}
            return %columns_output
            """)
    ]
}
