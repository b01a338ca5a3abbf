import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Maximum, mean, sum or norm over a window (src/operator/nn/pooling.cc). Works on float; maxima and means, keeping the
/// grid, on codes too.
struct Pooling: OperatorDefinition {
    let name = "Pooling"
    let summary = "maximum, mean, sum or norm of windows, or of everything"
    let mxnet: MXNetForm? = MXNetForm(
        "Pooling", "_npx_pooling", quantized: "_contrib_quantized_pooling",
        // MKL-DNN's max pooling keeps a workspace for training.
        hiddenOutputs: { node in node.attributes.text("pool_type") ?? "max" == "max" ? 1 : 0 },
        attributes: PoolingAttributes.mxnetAttributes)
    let quantization = QuantizationRule.passThrough(
        alignsScales: .passes,
        refusal: { node in
            let kind = node.attributes.text("pool_type") ?? "max"
            guard ["max", "avg"].contains(kind) else { return "MXNet has int8 pooling for max and avg only" }
            let rank = (try? node.type(0).shape).flatMap { $0?.rank }
            let axes = rank.map { $0 - 2 } ?? (try? node.attributes.integers("kernel"))?.flatMap { $0 }?.count
            return axes == 1 ? "MXNet has no int8 pooling over one axis" : nil
        })

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool",
            write: { node, writing in
                let kernel = try PoolingAttributes(node.attributes).kernel(over: node.shape(0))
                try Pooling.write(node, kernel, &writing)
            },
            read: Pooling.read))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        let attributes = try PoolingAttributes(node.attributes)
        guard !type.isQuantized || [.max, .avg].contains(attributes.kind) else {
            throw ModelError("pool_type=\(attributes.kind.rawValue) cannot be computed on codes")
        }
        let shape = try type.shape.map { shape in
            try attributes.kernel(over: shape).resultTypes([TensorType(.float32, shape)])[0].shape
        }
        return [ValueType(type.dataType, shape, quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        var kernel = try PoolingAttributes(node.attributes).kernel(over: lowering.type(of: source).shape)
        // MKL-DNN's int8 pooling counts what hangs over as padding (quantization/mkldnn/mkldnn_quantized_pooling.cc).
        if source.codes != nil, lowering.arithmetic == .mxnet { kernel.countedPadsEnd = kernel.padsEnd }
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: source.codes))
    }

    let examples = [
        OperatorExample(
            "largest of windows that overlap",
            """
            %data: float32[1, 3, 9, 9] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="max", stride="(2, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "mean that counts the padding",
            """
            %data: float32[1, 3, 6, 6] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="avg", stride="(1, 1)"}
            return %pool_output
            """),
        OperatorExample(
            "mean that does not",
            """
            %data: float32[1, 3, 6, 6] = input
            %pool_output = Pooling(%data) {count_include_pad="False", kernel="(3, 3)", pad="(1, 1)", pool_type="avg"}
            return %pool_output
            """),
        OperatorExample(
            "the last window hangs over",
            """
            %data: float32[1, 2, 6, 6] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pool_type="max", pooling_convention="full", stride="(2, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "global mean",
            """
            %data: float32[2, 3, 4, 4] = input
            %pool_output = Pooling(%data) {global_pool="True", kernel="(1, 1)", pool_type="avg"}
            return %pool_output
            """),
        OperatorExample(
            "mean of windows that hang over the padding",
            """
            %data: float32[1, 2, 7, 6] = input
            %pool_output = Pooling(%data) {kernel="(4, 3)", pad="(1, 1)", pool_type="avg", pooling_convention="full", stride="(3, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "sum over three axes",
            """
            %data: float32[1, 2, 4, 6, 5] = input
            %pool_output = Pooling(%data) {kernel="(2, 3, 2)", layout="NCDHW", pad="(0, 1, 1)", pool_type="sum", stride="(2, 1, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "norm along one axis",
            """
            %data: float32[2, 3, 9] = input
            %pool_output = Pooling(%data) {kernel="(3,)", p_value="2", pool_type="lp", pooling_convention="full", stride="(4,)"}
            return %pool_output
            """),
        OperatorExample(
            "global sum",
            """
            %data: float32[2, 3, 4, 4] = input
            %pool_output = Pooling(%data) {global_pool="True", pool_type="sum"}
            return %pool_output
            """),
        OperatorExample(
            "global norm",
            """
            %data: float32[2, 3, 4, 4] = input
            %pool_output = Pooling(%data) {global_pool="True", p_value="2", pool_type="lp"}
            return %pool_output
            """),
        OperatorExample(
            "largest over three axes",
            """
            %data: float32[1, 2, 4, 6, 5] = input
            %pool_output = Pooling(%data) {kernel="(2, 3, 2)", pad="(0, 1, 1)", pool_type="max", stride="(2, 1, 2)"}
            return %pool_output
            """),
    ]
}
