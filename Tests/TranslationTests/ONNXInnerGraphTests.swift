import GraphIR
import ONNXFormat
import Operators
import TensorCore
import Testing
import Translation

/// Graphs within ONNX graphs: loops, branches and functions.
struct ONNXInnerGraphTests {
    private static func info(_ name: String) -> ONNXValueInfo {
        ONNXValueInfo(name: name, type: .tensor(.float32, shape: [.known(2)]))
    }

    private static func read(_ nodes: [ONNXNode], functions: [ONNXFunction] = []) throws -> Graph {
        let weights = [
            ONNXTensor(name: "w", Tensor([1, 2] as [Float])), ONNXTensor(name: "trips", Tensor(scalar: Int64(3))),
            ONNXTensor(name: "yes", Tensor(scalar: true)),
        ]
        let graph = ONNXGraph(
            name: "g", nodes: nodes, initializers: weights, inputs: [info("x"), info("keep")], outputs: [info("y")])
        let model = ONNXModel(
            irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: graph, functions: functions)
        let (result, _) = try ONNXImporter().graph(of: model, name: "g")
        try Verifier.verify(result)
        return result
    }

    private static func loop(condition: String) -> ONNXNode {
        let body = ONNXGraph(
            name: "body", nodes: [ONNXNode("Add", name: "step", inputs: ["v", "w"], outputs: ["next"])],
            inputs: [info("i"), info("c"), info("v")], outputs: [info(condition), info("next")])
        return ONNXNode(
            "Loop", name: "loop", inputs: ["trips", "yes", "x"], outputs: ["l"],
            attributes: [.init("body", .graph(body))])
    }

    @Test func loopsOfKnownLengthBecomeTheirTrips() throws {
        let graph = try Self.read([
            Self.loop(condition: "c"), ONNXNode("Relu", name: "relu", inputs: ["l"], outputs: ["y"]),
        ])
        #expect(
            graph.topologicalOrder().map { graph[$0].name } == ["loop/0/step", "loop/1/step", "loop/2/step", "relu"])
    }

    /// What the trips that were taken back had used is still there for the nodes behind the loop.
    @Test func loopsOfUnknownLengthStay() throws {
        let graph = try Self.read([
            Self.loop(condition: "keep"), ONNXNode("Add", name: "add", inputs: ["l", "w"], outputs: ["y"]),
        ])
        #expect(graph.topologicalOrder().map { graph[$0].name } == ["loop", "add"])
        #expect(graph.node(named: "add")?.inputs[1].map { graph[$0].name } == "w")
    }

    @Test func functionsBecomeTheirNodes() throws {
        var function = ONNXFunction(domain: "own", name: "leaky")
        function.inputs = ["a", "left_out"]
        function.outputs = ["b"]
        function.attributes = ["slope"]
        function.opsetImports = [ONNXOpset(version: 16)]
        function.nodes = [
            ONNXNode(
                "LeakyRelu", name: "inner", inputs: ["a"], outputs: ["b"],
                attributes: [.init("alpha", .reference("slope", to: .float))])
        ]
        func call(_ name: String, _ slope: Float, _ input: String, _ output: String) -> ONNXNode {
            ONNXNode(
                "leaky", name: name, domain: "own", inputs: [input], outputs: [output],
                attributes: [.init("slope", .float(slope))])
        }
        let graph = try Self.read(
            [call("first", 0.25, "x", "h"), call("second", 0.5, "h", "y")], functions: [function])
        let nodes = graph.topologicalOrder().map { graph[$0] }
        #expect(nodes.map(\.name) == ["first/inner", "second/inner"])
        #expect(try nodes.map { try $0.attributes.number("slope") } == [0.25, 0.5])
        #expect(graph[graph.outputs[0]].name == "y")
    }
}
