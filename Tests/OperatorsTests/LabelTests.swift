import GraphIR
import Kernels
import Operators
import TensorCore
import Testing
import Translation

/// A label is there to train with: no shape of it has to be known to run a network, and no data given.
struct LabelTests {
    @Test func labelsAndWhatIsMadeOfThemAreNotComputed() throws {
        var graph = try GraphParser.parse(
            """
            graph g {
                %data: float32[1, 2] = input
                %label = input
                %flat_output = Flatten(%label)
                %softmax_output = SoftmaxOutput(%data, %flat_output)
                return %softmax_output
            }
            """)
        try TypeInference().annotate(&graph)
        let program = try Lowering.lower(graph).program
        #expect(program.inputs.map(\.name) == ["data"])
        let result = try ReferenceExecutor(program).run([Tensor([0, 0] as [Float], shape: [1, 2])])[0]
        #expect(result.floats() == [0.5, 0.5])
        let model = try ONNXExporter(opset: 13).model(of: graph)
        #expect(model.graph.inputs.map(\.name) == ["data"])
        #expect(model.graph.nodes.map(\.opType) == ["Softmax"])
    }
}
