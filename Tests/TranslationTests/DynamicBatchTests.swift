import GraphIR
import ONNXFormat
import Operators
import TensorCore
import Testing
import Translation

/// Graphs written for any batch.
struct DynamicBatchTests {
    private static func model(_ statements: String) throws -> ONNXModel {
        var graph = try GraphParser.parse("graph {\n\(statements)\n}")
        try TypeInference().annotate(&graph)
        return try ONNXExporter(opset: 17, hasDynamicBatch: true).model(of: graph)
    }

    private static func dimensions(_ info: ONNXValueInfo?) -> [String] {
        guard case .tensor(_, let dimensions?)? = info?.type else { return [] }
        return dimensions.map(\.description)
    }

    /// The first axis is the batch only where it follows from it.
    @Test func extentsFollowTheBatch() throws {
        let model = try Self.model(
            """
            %data: float32[2, 3, 4] = input
            %turned_output = transpose(%data) {axes="(1, 0, 2)"}
            %rows_output = Reshape(%turned_output) {shape="(-1, 4)"}
            return %rows_output
            """)
        #expect(Self.dimensions(model.graph.inputs.first) == ["batch", "3", "4"])
        #expect(Self.dimensions(model.graph.valueInfo.first { $0.name == "turned_output" }) == ["3", "batch", "4"])
        #expect(Self.dimensions(model.graph.outputs.first) == ["3*batch", "4"])
    }

    /// MXNet's codes for merging and splitting become numbers; what depends on the batch becomes −1.
    @Test func shapesOfReshapesLeaveTheBatch() throws {
        let model = try Self.model(
            """
            %data: float32[2, 3, 4] = input
            %merged_output = Reshape(%data) {shape="(-3, 0)"}
            %split_output = Reshape(%merged_output) {shape="(-4, -1, 3, 0)"}
            return %split_output
            """)
        let shapes = try model.graph.initializers.map { try $0.tensor().asInts() }
        #expect(shapes == [[-1, 4], [-1, 3, 4]])
        #expect(Self.dimensions(model.graph.outputs.first) == ["batch", "3", "4"])
    }

    /// 0, 1, 2 … as far as the batch goes.
    @Test func countsAreComputed() throws {
        let model = try Self.model(
            """
            %data: float32[2, 3] = input
            %rows_output = _contrib_arange_like(%data) {axis="0"}
            %column_output = Reshape(%rows_output) {shape="(-1, 1)"}
            %sum_output = broadcast_add(%data, %column_output)
            return %sum_output
            """)
        #expect(model.graph.nodes.contains { $0.opType == "Range" })
        #expect(Self.dimensions(model.graph.outputs.first) == ["batch", "3"])
    }

    /// A shape that is no Reshape's is computed from the batch.
    @Test func otherShapesAreComputed() throws {
        let model = try Self.model(
            """
            %data: float32[2, 3] = input
            %row_output = Reshape(%data) {shape="(1, -1)"}
            %like_output = broadcast_like(%row_output, %data) {lhs_axes="(0,)", rhs_axes="(0,)"}
            return %like_output
            """)
        #expect(model.graph.nodes.prefix(2).map(\.opType) == ["Shape", "Gather"])
        #expect(model.graph.nodes.contains { $0.opType == "Expand" })
        #expect(Self.dimensions(model.graph.outputs.first) == ["batch", "3*batch"])
    }

    @Test func whatIsForOneBatchIsRefused() throws {
        let error = #expect(throws: ModelError.self) {
            try Self.model(
                """
                %data: float32[2, 6] = input
                %shaped_output = Reshape(%data) {shape="(4, 3)"}
                return %shaped_output
                """)
        }
        #expect(error?.description.contains("shaped") == true)
    }
}
