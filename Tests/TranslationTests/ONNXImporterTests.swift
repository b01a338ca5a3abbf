import GraphIR
import ONNXFormat
import Operators
import TensorCore
import Testing
import Translation

/// What the importer keeps of ONNX models that nothing here was made for.
struct ONNXImporterTests {
    private static func model(
        _ nodes: [ONNXNode], inputs: [(String, [Int])] = [("x", [1, 2, 3])], outputs: [String],
        initializers: [ONNXTensor] = [], valueInfo: [(String, [Int])] = []
    ) -> ONNXModel {
        func info(_ name: String, _ shape: [Int]?) -> ONNXValueInfo {
            ONNXValueInfo(name: name, type: .tensor(.float32, shape: shape.map { $0.map { .known($0) } }))
        }
        return ONNXModel(
            irVersion: 8, opsetImports: [ONNXOpset(version: 17)],
            graph: ONNXGraph(
                name: "g", nodes: nodes, initializers: initializers, inputs: inputs.map { info($0.0, $0.1) },
                outputs: outputs.map { info($0, nil) }, valueInfo: valueInfo.map { info($0.0, $0.1) }))
    }

    private static func read(_ model: ONNXModel) throws -> (graph: Graph, report: TranslationReport) {
        let (graph, report) = try ONNXImporter().graph(of: model, name: "g")
        try Verifier.verify(graph)
        return (graph, report)
    }

    @Test func unknownNodesAreKept() throws {
        let nodes = [
            ONNXNode(
                "StringSplit", name: "top", inputs: ["x", "k"], outputs: ["values", "indices"],
                attributes: [
                    .init("axis", .int(-1)), .init("scale", .float(0.5)), .init("names", .strings(["a", "b"])),
                ]),
            ONNXNode("Gelu", name: "gelu", domain: "com.microsoft", inputs: ["values", "", "x"], outputs: ["y"]),
        ]
        let k = ONNXTensor(name: "k", Tensor([2] as [Int64]))
        let (graph, report) = try Self.read(Self.model(nodes, outputs: ["y", "indices"], initializers: [k]))
        #expect(report.unknownOperators.map(\.op) == ["StringSplit", "com.microsoft.Gelu"])
        let top = try #require(graph.node(named: "top")), gelu = try #require(graph.node(named: "gelu"))
        #expect(top.attributes == ["axis": .integer(-1), "scale": .number(0.5), "names": .strings(["a", "b"])])
        #expect(top.outputs.map { graph[$0].name } == ["values", "indices"])
        #expect(gelu.inputs == [top.outputs[0], nil, graph.inputs[0]])
        #expect(graph.outputs == [gelu.outputs[0], top.outputs[1]])
        #expect(throws: ModelError.self) { try ONNXExporter(opset: 17).model(of: graph) }
    }

    /// A known operator with an attribute that nothing computes is kept as it is, and the report says why.
    @Test func refusedNodesAreKept() throws {
        let node = ONNXNode("Flatten", name: "f", inputs: ["x"], outputs: ["y"], attributes: [.init("axis", .int(40))])
        let (graph, report) = try Self.read(Self.model([node], outputs: ["y"]))
        #expect(graph.node(named: "f")?.attributes == ["axis": .integer(40)])
        #expect(report.losses.count == 1 && report.losses[0].contains("'f'"))
    }

    /// ONNX's Add broadcasts; MXNet has two operators for that.
    @Test(arguments: [([1, 2, 3], "elemwise_add"), ([2, 1], "broadcast_add"), ([1], "broadcast_add")])
    func additionsBroadcast(_ shape: [Int], _ op: String) throws {
        let add = ONNXNode("Add", name: "add", inputs: ["x", "b"], outputs: ["y"])
        let stored = ONNXTensor(
            name: "b", Tensor([Float](repeating: 1, count: shape.reduce(1, *)), shape: Shape(shape)))
        for model in [
            Self.model([add], outputs: ["y"], initializers: [stored]),
            Self.model([add], inputs: [("x", [1, 2, 3]), ("b", shape)], outputs: ["y"]),
        ] {
            var graph = try Self.read(model).graph
            #expect(graph.node(named: "add")?.op == op)
            try TypeInference().annotate(&graph)
            #expect(graph[graph.outputs[0]].type?.shape == [1, 2, 3])
        }
    }

    /// Between computed values, the types decide that the file says or that are inferred.
    @Test func additionsOfComputedValuesGoByTheirTypes() throws {
        let nodes = [
            ONNXNode("GlobalAveragePool", name: "pool", inputs: ["x"], outputs: ["p"]),
            ONNXNode("Relu", name: "relu", inputs: ["x"], outputs: ["r"]),
            ONNXNode("Add", name: "add", inputs: ["r", "p"], outputs: ["y"]),
        ]
        let told = Self.model(nodes, outputs: ["y"], valueInfo: [("p", [1, 2, 1]), ("r", [1, 2, 3])])
        #expect(try Self.read(told).graph.node(named: "add")?.op == "broadcast_add")
        #expect(try Self.read(Self.model(nodes, outputs: ["y"])).graph.node(named: "add")?.op == "broadcast_add")
    }

    /// Names of nodes are optional and may be shared.
    @Test func everyNodeGetsItsOwnName() throws {
        let nodes = [
            ONNXNode("Relu", inputs: ["x"], outputs: ["a"]), ONNXNode("Relu", name: "a", inputs: ["a"], outputs: ["b"]),
            ONNXNode("Relu", name: "a", inputs: ["b"], outputs: ["c"]),
            ONNXNode("Relu", name: "a_1", inputs: ["c"], outputs: ["d"]),
            ONNXNode("Relu", inputs: ["d"], outputs: ["e"]),
        ]
        let graph = try Self.read(Self.model(nodes, outputs: ["e"])).graph
        #expect(graph.nodes.map(\.name) == ["a", "a_2", "a_3", "a_1", "e"])
        #expect(graph.topologicalOrder().count == 5)
    }

    @Test func valuesThatNothingComputesAreRefused() {
        let node = ONNXNode("Relu", name: "r", inputs: ["nowhere"], outputs: ["y"])
        #expect(throws: ModelError.self) { try Self.read(Self.model([node], outputs: ["y"])) }
        #expect(throws: ModelError.self) { try Self.read(Self.model([], outputs: ["y"])) }
    }

    /// MXNet has no zero points: what cannot be written is refused instead of losing them.
    @Test func zeroPointsDoNotReachMXNet() throws {
        let nodes = [
            ONNXNode("QuantizeLinear", name: "q", inputs: ["x", "s", "z"], outputs: ["codes"]),
            ONNXNode("DequantizeLinear", name: "d", inputs: ["codes", "s", "z"], outputs: ["y"]),
        ]
        let constants = [
            ONNXTensor(name: "s", Tensor([0.5] as [Float], shape: [])),
            ONNXTensor(name: "z", Tensor([3] as [UInt8], shape: [])),
        ]
        let graph = try Self.read(Self.model(nodes, outputs: ["y"], initializers: constants)).graph
        #expect(
            graph.node(named: "q")?.attributes == [
                "out_type": .text("uint8"), "step": .number(0.5), "zero_point": .integer(3),
            ])
        #expect(throws: ModelError.self) { try MXNetExporter().checkpoint(of: graph) }
    }
}
