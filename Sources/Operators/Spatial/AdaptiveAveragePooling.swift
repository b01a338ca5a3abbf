import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Means over windows that divide an image into `output_size` (src/operator/contrib/adaptive_avg_pooling.cc).
struct AdaptiveAveragePooling: OperatorDefinition {
    let name = "_contrib_AdaptiveAvgPooling2D"
    let summary = "means of an image divided into a given number of windows"
    let mxnet: MXNetForm? = MXNetForm("_contrib_AdaptiveAvgPooling2D")
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let shape = try node.knownImageShape(), size = try AdaptiveAveragePooling.size(node)
                let input = try writing.name(node, 0)
                if size == [1, 1] { return writing.emit("GlobalAveragePool", node, inputs: [input]) }
                let window = [shape[2] / size[0], shape[3] / size[1]]
                if [window[0] * size[0], window[1] * size[1]] == [shape[2], shape[3]] {
                    return writing.emit(
                        "AveragePool", node, inputs: [input],
                        attributes: [
                            ONNXAttribute("kernel_shape", .ints(window)), ONNXAttribute("strides", .ints(window)),
                        ])
                }
                // Windows of different sizes: the means along either axis are products with a matrix.
                var parts = ONNXParts(node)
                let columns = AdaptiveAveragePooling.matrix(from: shape[3], to: size[1]).transposed()
                let rows = AdaptiveAveragePooling.matrix(from: shape[2], to: size[0])
                let narrowed = parts.emit("MatMul", [input, parts.constant(columns, &writing)], &writing)
                writing.emit("MatMul", node, inputs: [parts.constant(rows, &writing), narrowed])
            }))

    /// results × elements
    private static func matrix(from source: Int, to result: Int) -> Tensor {
        let axis = ResamplingAxis.adaptiveMean(from: source, to: result)
        var values = [Float](repeating: 0, count: source * result)
        for row in 0..<result {
            for tap in axis.starts[row]..<axis.starts[row + 1] {
                values[row * source + axis.indices[tap]] += axis.weights[tap]
            }
        }
        return Tensor(values, shape: [result, source])
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let shape = try node.imageShape() else { return [ValueType(.float32, nil)] }
        return [ValueType(.float32, try Shape(checking: [shape[0], shape[1]] + Self.size(node)))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.knownImageShape(), size = try Self.size(node)
        if size == [1, 1] {
            let kernel = PoolingKernel(
                kind: .averageExcludingPadding, window: [shape[2], shape[3]], strides: [1, 1], padsBegin: [0, 0],
                padsEnd: [0, 0])
            let result = try lowering.add(kernel, [lowering.floatValue(node, 0)], node)
            return lowering.define(node, LoweredValue(result))
        }
        try lowering.resample(
            node, [.adaptiveMean(from: shape[2], to: size[0]), .adaptiveMean(from: shape[3], to: size[1])])
    }

    private static func size(_ node: NodeReader) throws -> [Int] {
        let size = try node.attributes.extents("output_size") ?? []
        guard size.count <= 2, size.allSatisfy({ 1...(1 << 20) ~= $0 }) else {
            throw ModelError("output_size=(\(size.commaSeparated)) is not a height and a width")
        }
        return size.isEmpty ? [1, 1] : [size[0], size[size.count - 1]]
    }

    let examples = [
        OperatorExample(
            "of everything",
            """
            %data: float32[2, 3, 4, 5] = input
            %pool_output = _contrib_AdaptiveAvgPooling2D(%data) {output_size="1"}
            return %pool_output
            """),
        OperatorExample(
            "windows of one size",
            """
            %data: float32[2, 3, 6, 4] = input
            %pool_output = _contrib_AdaptiveAvgPooling2D(%data) {output_size="(3, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "windows that overlap",
            """
            %data: float32[2, 3, 5, 6] = input
            %pool_output = _contrib_AdaptiveAvgPooling2D(%data) {output_size="(3, 7)"}
            return %pool_output
            """),
    ]
}
