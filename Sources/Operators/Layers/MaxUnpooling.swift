import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Maxima of windows and the indices of the elements that they are: ONNX's MaxPool with its second output. The attributes
/// are those of Pooling; with storage_order=1, the elements of a plane are counted along its first axis first.
struct MaxPoolWithIndices: OperatorDefinition {
    let name = "MaxPoolWithIndices"
    let summary = "maxima of windows, and where they are"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "MXNet has no pooling that gives indices")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let window = try WindowAttributes(node.attributes)
                let kernel = try MaxPoolWithIndices.kernel(node).pooling
                var explicit = window
                (explicit.automaticPadding, explicit.pads, explicit.padsEnd) = (nil, kernel.padsBegin, kernel.padsEnd)
                let order = ONNXAttribute("storage_order", .int(try node.attributes.integer("storage_order") ?? 0))
                writing.emit(
                    "MaxPool", node, inputs: [try writing.name(node, 0)],
                    attributes: ONNXWindow(explicit).onnx(with: [order]),
                    outputs: node.node.outputs.indices.map { writing.output(node, $0) })
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        let shape = try type.shape.map { shape in
            try Self.kernel(node).pooling.resultTypes([TensorType(.float32, shape)])[0].shape
        }
        return [ValueType(type.dataType, shape), ValueType(.int64, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let results = try lowering.addAll(Self.kernel(node), [lowering.floatValue(node, 0)], node)
        for (index, buffer) in results.enumerated().prefix(node.node.outputs.count) {
            lowering.define(node, output: index, LoweredValue(buffer))
        }
    }

    private static func kernel(_ node: NodeReader) throws -> MaxIndexKernel {
        MaxIndexKernel(
            try PoolingAttributes(node.attributes).kernel(over: node.shape(0)),
            countsColumnsFirst: try node.attributes.integer("storage_order") ?? 0 != 0)
    }

    let examples = [
        OperatorExample(
            "windows that overlap",
            """
            %data: float32[2, 3, 6, 7] = input
            %pool_output, %pool_indices = MaxPoolWithIndices(%data) {kernel="(3, 2)", pad="(1, 0)", pool_type="max", stride="(2, 2)"}
            return %pool_output, %pool_indices
            """),
        OperatorExample(
            "counted by columns",
            """
            %data: float32[1, 2, 5, 4] = input
            %pool_output, %pool_indices = MaxPoolWithIndices(%data) {kernel="(2, 2)", pool_type="max", storage_order=1}
            return %pool_output, %pool_indices
            """),
    ]
}

/// Elements put back to where a pooling found them, among zeros. Inputs: elements N×C×…, int64 indices of the same shape;
/// attributes kernel, stride and pad of the pooling, and `output_shape` if the result is larger than what was pooled.
struct MaxUnpool: OperatorDefinition {
    let name = "MaxUnpool"
    let summary = "maxima put back to where they were found"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "MXNet has nothing like it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "MaxUnpool",
            write: { node, writing in
                let window = ONNXWindow(try WindowAttributes(node.attributes))
                var inputs = try (0..<2).map { try writing.name(node, $0) }
                if let shape = try node.attributes.extents("output_shape") {
                    inputs.append(
                        writing.initializer(node.node.name + "_shape", Tensor(shape.map { Int64($0) })))
                }
                writing.emit(
                    "MaxUnpool", node, inputs: inputs, attributes: window.onnx().filter { $0.name != "dilations" })
            },
            read: { reading in
                var attributes = try ONNXWindow(reading).attributes
                attributes["dilate"] = nil
                if reading.hasInput(2) {
                    guard let shape = reading.constant(2) else {
                        throw ModelError("its output_shape has to be stored in the model")
                    }
                    attributes["output_shape"] = .integers(shape.asInts())
                }
                reading.define("MaxUnpool", attributes, inputs: Array(reading.inputs.prefix(2)))
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(.float32, try node.type(0).shape.map { try Self.kernel(node, $0).result })]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try (0..<2).map { try lowering.floatValue(node, $0) }
        let kernel = try Self.kernel(node, node.shape(0))
        lowering.define(node, LoweredValue(try lowering.add(kernel, operands, node)))
    }

    private static func kernel(_ node: NodeReader, _ source: Shape) throws -> MaxUnpoolKernel {
        let window = try WindowAttributes(node.attributes)
        try window.check(source)
        let extents = try window.kernel.indices.map { axis in
            try WindowAttributes.product(source[axis + 2] - 1, window.strides[axis]) + window.kernel[axis]
                - window.pads[axis] - window.padsEnd[axis]
        }
        let pooled = try Shape(checking: [source[0], source[1]] + extents)
        let result = try node.attributes.extents("output_shape").map { try Shape(checking: $0) } ?? pooled
        return MaxUnpoolKernel(pooled: pooled, result: result)
    }

    let examples = [
        OperatorExample(
            "what a pooling found",
            """
            %data: float32[2, 3, 6, 8] = input
            %pool_output, %pool_indices = MaxPoolWithIndices(%data) {kernel="(2, 2)", pool_type="max", stride="(2, 2)"}
            %unpool_output = MaxUnpool(%pool_output, %pool_indices) {kernel="(2, 2)", stride="(2, 2)"}
            return %unpool_output
            """)
    ]
}
