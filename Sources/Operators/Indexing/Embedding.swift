import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y[i…, :] = weight[data[i…], :] (src/operator/tensor/indexing_op.h). Inputs: data of any shape, weight
/// input_dim×output_dim. An index outside of the table takes its first or its last row.
struct Embedding: OperatorDefinition {
    let name = "Embedding"
    let summary = "rows of a table of vectors"
    let mxnet: MXNetForm? = MXNetForm(
        "Embedding", "_npx_embedding", "_contrib_SparseEmbedding", "_sparse_Embedding",
        quantized: "_contrib_quantized_embedding", parameterInputs: { _ in [1] }, rangedInputs: { _ in [1] })
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .support, result: .codes, codeInputs: { _, _ in [1] },
            refusal: { node in
                let type = node.attributes.text("dtype") ?? "float32"
                return type == "float32" ? nil : "MXNet has an int8 table for float32 results only, this is \(type)"
            }))

    /// Gather is read by `Take`.
    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let extent = try EmbeddingAttributes(node.attributes).rows
                let indices = try writing.indices(node, 0, extent: extent, mode: .clip)
                writing.emit(
                    "Gather", node, inputs: [try writing.name(node, 1), indices],
                    attributes: [ONNXAttribute("axis", .int(0))])
            },
            read: { reading in reading.define("Embedding") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]] {
        let attributes = try EmbeddingAttributes(node.attributes)
        return [1: [attributes.rows, attributes.columns]]
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let columns = try EmbeddingAttributes(node.attributes).columns
        let shape = try node.type(0).shape.map { try Shape(checking: $0.dimensions + [columns]) }
        let table = try node.type(1)
        return [
            ValueType(
                table.isQuantized ? table.dataType : table.dataType.computed, shape, quantization: table.quantization)
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let table = try lowering.value(node, 1)
        let operands = [table.buffer, try lowering.floatValue(node, 0)]
        let result = try lowering.add(GatherKernel(axis: 0, mode: .clip), operands, node)
        lowering.define(node, LoweredValue(result, codes: table.codes))
    }

    let examples = [
        OperatorExample(
            "indices that are not whole, and beyond both ends",
            """
            %index: float32[2, 3] = parameter(0, 2.7, 1, -1, 9, -0.5)
            %weight: float32[4, 5] = parameter(...)
            %embedding_output = Embedding(%index, %weight) {input_dim="4", output_dim="5"}
            return %embedding_output
            """)
    ]
}

/// The attributes of Embedding (src/operator/tensor/indexing_op.h).
struct EmbeddingAttributes {
    var rows: Int
    var columns: Int

    init(_ attributes: Attributes) throws {
        func extent(_ name: String) throws -> Int {
            guard let extent = try attributes.integer(name), 1...(1 << 30) ~= extent else {
                throw ModelError("\(name) is missing or not positive")
            }
            return extent
        }
        rows = try extent("input_dim")
        columns = try extent("output_dim")
    }
}
