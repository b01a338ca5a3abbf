import GraphIR
import Operators
import Passes
import TensorCore
import Testing

/// The law of operators that MXNet lacks and that are composed of others.
struct ComposedForMXNetTests {
    @Test(arguments: try ExampleCase.examples().filter { OperatorTable.standard[$0.op] is any ComposedForMXNet })
    func compositionComputesTheSame(_ example: ExampleCase) throws {
        let pipeline = Pipeline(name: "composed", summary: "", passes: [ComposeForMXNet()])
        // A refusal says what MXNet lacks.
        guard let graph = try? PipelineRunner().run(pipeline, on: example.graph).graph,
            !graph.nodes.contains(where: { $0.op == example.op })
        else { return }
        var composed = example
        composed.graph = graph
        #expect(composed.isMXNets)
        let (expected, actual) = (try example.run().outputs, try composed.run().outputs)
        #expect(expected.map(\.shape) == actual.map(\.shape))
        #expect(expected.map(\.dataType) == actual.map(\.dataType))
        for (a, b) in zip(expected, actual) {
            #expect((zip(a.floats(), b.floats()).map { abs($0 - $1) }.max() ?? 0) < 5e-6)
        }
    }
}
