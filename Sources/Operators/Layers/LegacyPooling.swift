import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Pooling as MXNet had it before 1.0 (src/operator/pooling_v1-inl.h): padding counts as zeros, for maxima too, and means
/// are divided by the whole of the window, wherever it lies.
struct LegacyPooling: OperatorDefinition {
    let name = "Pooling_v1"
    let summary = "pooling of MXNet before 1.0, which takes padding for zeros"
    let mxnet: MXNetForm? = MXNetForm("Pooling_v1")
    let quantization = QuantizationRule.float(because: "MXNet quantizes Pooling only")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                var kernel = try LegacyPooling.kernel(node, node.shape(0))
                if kernel.kind == .maxIncludingPadding, (kernel.padsBegin + kernel.padsEnd).contains(where: { $0 != 0 })
                {
                    let padded = try Pooling.writePad(node, kernel, writing.name(node, 0), &writing)
                    writing.emit(
                        "MaxPool", node, inputs: [padded],
                        attributes: [
                            ONNXAttribute("kernel_shape", .ints(kernel.window)),
                            ONNXAttribute("strides", .ints(kernel.strides)),
                        ])
                    return
                }
                if kernel.kind == .maxIncludingPadding { kernel.kind = .max }
                try Pooling.write(node, kernel, &writing)
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let shape = try node.type(0).shape.map { shape in
            try Self.kernel(node, shape).resultTypes([TensorType(.float32, shape)])[0].shape
        }
        return [ValueType(.float32, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        lowering.define(
            node, LoweredValue(try lowering.add(try Self.kernel(node, node.shape(0)), [source], node)))
    }

    private static func kernel(_ node: NodeReader, _ source: Shape) throws -> PoolingKernel {
        let attributes = try PoolingAttributes(node.attributes)
        var kernel = try attributes.kernel(over: source)
        kernel.countedPadsEnd = kernel.padsEnd
        if attributes.kind == .max { kernel.kind = .maxIncludingPadding }
        return kernel
    }

    let examples = [
        OperatorExample(
            "largest, zeros included",
            """
            %data: float32[1, 3, 6, 7] = input
            %pool_output = Pooling_v1(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="max", stride="(2, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "mean of windows that hang over",
            """
            %data: float32[1, 3, 6, 7] = input
            %pool_output = Pooling_v1(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="avg", pooling_convention="full", stride="(2, 2)"}
            return %pool_output
            """),
    ]
}
