import GraphIR
import Passes
import Testing

struct FuseFullyConnectedTests {
    @Test func reluIsFused() throws {
        let graph = try GraphParser.parse(
            """
            graph {
              %data: float32[1, 4] = input
              %w: float32[2, 4] = parameter(...)
              %fc_output = FullyConnected(%data, %w) {num_hidden="2", no_bias="True"}
              %act_output = Activation(%fc_output) {act_type="relu"}
              return %act_output
            }
            """)
        let (fused, records) = try PipelineRunner().run(Pipelines.fuse, on: graph)
        #expect(fused.nodes.map(\.op) == ["FusedFullyConnected"])
        #expect(fused.nodes.map(\.origins) == [["fc", "act"]])
        #expect(records.map(\.explanation) == ["fc + act → sg_mkldnn_fully_connected_eltwise_0"])
    }

    @Test func aResultThatIsUsedTwiceStays() throws {
        let graph = try GraphParser.parse(
            """
            graph {
              %data: float32[1, 4] = input
              %w: float32[2, 4] = parameter(...)
              %fc_output = FullyConnected(%data, %w) {num_hidden="2", no_bias="True"}
              %act_output = Activation(%fc_output) {act_type="relu"}
              %sum_output = elemwise_add(%fc_output, %act_output)
              return %sum_output
            }
            """)
        let (fused, records) = try PipelineRunner().run(Pipelines.fuse, on: graph)
        #expect(fused.topologicalOrder().map { fused[$0].op } == ["FusedFullyConnected", "Activation", "elemwise_add"])
        #expect(records.contains { $0.outcome == .refused && $0.explanation == "its result is used 2 times" })
    }
}
