import GraphIR
import MXNetFormat
import TensorCore
import Testing
import Translation

/// What the importer says of symbols and parameters that do not fit each other, and what it keeps of what it does not know.
struct MXNetImporterTests {
    private typealias Node = MXNetSymbol.Node
    private typealias Entry = MXNetSymbol.Entry

    private static func variable(_ name: String, _ attributes: [String: String] = [:]) -> Node {
        Node(op: "null", name: name, attributes: .init(uncheckedUniqueKeysWithValues: attributes))
    }

    private static func parameters(_ tensors: [(String, Tensor)]) -> MXNetParameters {
        MXNetParameters(entries: tensors.map { .init(name: $0.0, array: MXNetArray($0.1)) })
    }

    private static func read(
        _ nodes: [Node], heads: [Entry], rowPointer: [Int] = [], _ tensors: [(String, Tensor)]
    ) throws -> (graph: Graph, report: TranslationReport) {
        try MXNetImporter().graph(
            of: MXNetCheckpoint(
                symbol: MXNetSymbol(nodes: nodes, nodeRowPointer: rowPointer, heads: heads),
                parameters: parameters(tensors)), name: "m")
    }

    private static let fullyConnected = [
        variable("data"), variable("w", ["__shape__": "(2, 3)"]), variable("b"),
        Node(
            op: "FullyConnected", name: "fc", attributes: ["num_hidden": "2"],
            inputs: [0, 1, 2].map { Entry(node: $0) }),
    ]
    private static let w = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    private static let b = Tensor([7, 8] as [Float])

    @Test func aCheckpointThatFitsIsComplete() throws {
        let report = try Self.read(
            Self.fullyConnected, heads: [Entry(node: 3)], [("arg:w", Self.w), ("arg:b", Self.b)]
        ).report
        #expect(report == TranslationReport())
        try report.requireComplete()
    }

    @Test func parametersThatAreMissingAreAllNamed() throws {
        let report = try Self.read(Self.fullyConnected, heads: [Entry(node: 3)], [("arg:other", Self.b)]).report
        #expect(report.missing == ["w", "b"])
        #expect(report.superfluous == ["other"])
        #expect(throws: ModelError.self) { try report.requireComplete() }
    }

    @Test func aShapeThatTheSymbolContradictsIsNamed() throws {
        let report = try Self.read(
            Self.fullyConnected, heads: [Entry(node: 3)], [("arg:w", Self.b), ("arg:b", Self.b)]
        ).report
        #expect(report.mismatched == ["'w' is 2, but the symbol says (2, 3)"])
    }

    /// What nothing uses is written back all the same, as what it was.
    @Test func superfluousParametersAreKept() throws {
        let tensors = [("aux:old", Self.b), ("arg:w", Self.w), ("arg:b", Self.b), ("arg:rest", Self.w)]
        let graph = try Self.read(Self.fullyConnected, heads: [Entry(node: 3)], tensors).graph
        #expect(try MXNetExporter().checkpoint(of: graph).parameters == Self.parameters(tensors))
    }

    /// Three outputs, of which the third and the first are used; a changed input; parameters of both kinds.
    private static let unknown = [
        variable("data"), variable("state"),
        Node(
            op: "Mystery", name: "m", attributes: ["depth": "3", "__hidden__": "x"],
            inputs: [Entry(node: 0), Entry(node: 1, version: 1)]),
        Node(op: "Activation", name: "act", attributes: ["act_type": "relu"], inputs: [Entry(node: 2, output: 2)]),
    ]

    @Test func unknownOperatorsAreWrittenBackUntouched() throws {
        let heads = [Entry(node: 3), Entry(node: 2)]
        let (graph, report) = try Self.read(
            Self.unknown, heads: heads, rowPointer: [0, 1, 2, 5, 6], [("aux:state", Self.b)])
        #expect(report.unknownOperators.map(\.op) == ["Mystery"])
        #expect(report.unknownOperators.map(\.nodes) == [["m"]])
        #expect(graph.node(named: "m")?.outputs.count == 3)
        let written = try MXNetExporter().checkpoint(of: graph)
        #expect(written.symbol.nodes == Self.unknown)
        #expect(written.symbol.heads == heads)
        #expect(written.symbol.nodeRowPointer == [0, 1, 2, 5, 6])
        #expect(written.parameters?.entries.map(\.name) == ["aux:state"])
    }

    /// A known operator in a form that it cannot read is kept like an unknown one, and so is the next one's spelling.
    @Test func refusedNodesAreWrittenBackUntouched() throws {
        let nodes = [
            Self.variable("data"),
            Node(
                op: "_sg_mkldnn_conv", name: "c", attributes: ["quantized": "true"], inputs: [Entry(node: 0)],
                subgraphs: [MXNetSymbol(nodes: [Self.variable("x")], heads: [Entry(node: 0)])]),
            Node(
                op: "_contrib_quantized_pooling", name: "p", attributes: ["kernel": "(2, 2)", "pool_type": "max"],
                inputs: (0..<3).map { Entry(node: 1, output: $0) }),
        ]
        let (graph, report) = try Self.read(nodes, heads: [Entry(node: 2)], rowPointer: [0, 1, 4, 7], [])
        #expect(report.refusals.map(\.node) == ["c"])
        #expect(report.refusals.first?.error.problem == "a fused convolution without a Convolution in its subgraph")
        let written = try MXNetExporter().checkpoint(of: graph).symbol
        #expect(written.nodes.map(\.op) == nodes.map(\.op))
        #expect(written.nodes.map(\.inputs) == nodes.map(\.inputs))
        #expect(written.nodes.map(\.attributes) == nodes.map(\.attributes))
        #expect(written.nodeRowPointer == [0, 1, 4, 7])
    }

    /// Two layers that change the same states: MXNet counts the changes.
    @Test func changesOfSharedStatesAreCounted() throws {
        func batchNorm(_ name: String, _ input: Int, version: Int) -> Node {
            Node(
                op: "BatchNorm", name: name,
                inputs: [input, 1, 2].map { Entry(node: $0) } + [3, 4].map { Entry(node: $0, version: version) })
        }
        let nodes =
            ["data", "gamma", "beta", "mean", "var"].map { Self.variable($0) }
            + [batchNorm("a", 0, version: 1), batchNorm("b", 5, version: 2)]
        let graph = try Self.read(nodes, heads: [Entry(node: 6)], rowPointer: [0, 1, 2, 3, 4, 5, 8, 11], []).graph
        #expect(try MXNetExporter().checkpoint(of: graph).symbol.nodes == nodes)
    }

    @Test func controlDependenciesAreReported() throws {
        var waiting = Node(op: "Activation", name: "b", attributes: ["act_type": "relu"], inputs: [Entry(node: 0)])
        waiting.controlDependencies = [1]
        let first = Node(op: "Activation", name: "a", attributes: ["act_type": "relu"], inputs: [Entry(node: 0)])
        let report = try Self.read([Self.variable("data"), first, waiting], heads: [Entry(node: 2)], []).report
        #expect(report.losses == ["'b' has to wait for nodes whose results it does not use; that is left out"])
    }

    /// Without a row pointer, an operator has as many outputs as are used.
    @Test func outputsOfUnknownOperatorsAreCountedByTheirUses() throws {
        let graph = try Self.read(Self.unknown, heads: [Entry(node: 3)], []).graph
        #expect(graph.node(named: "m")?.outputs.count == 3)
        try Verifier.verify(graph)
    }

    /// Gluon's layers give their name to every call: Mask R-CNN's heads and I3D's relus do.
    @Test func nodesOfOneNameAreToldApart() throws {
        func relu(_ input: Int) -> Node {
            Node(op: "Activation", name: "relu0_fwd", attributes: ["act_type": "relu"], inputs: [Entry(node: input)])
        }
        var taken = relu(2)
        taken.name = "relu0_fwd_1"
        let nodes = [Self.variable("data"), relu(0), relu(1), taken, relu(3)]
        let graph = try Self.read(nodes, heads: [Entry(node: 4)], []).graph
        try Verifier.verify(graph)
        #expect(graph.nodes.map(\.name) == ["relu0_fwd", "relu0_fwd_2", "relu0_fwd_1", "relu0_fwd_3"])
        #expect(Set(graph.values.map(\.name)).count == 5)
        #expect(try MXNetExporter().checkpoint(of: graph).symbol.nodes == nodes)
    }

    /// nnvm's control dependencies and sparse arrays are not kept, which is said.
    @Test func whatIsLostIsSaid() throws {
        var waiting = Self.fullyConnected
        waiting[3].controlDependencies = [0]
        let rows = MXNetArray(
            .rowSparse(
                data: Tensor([5, 6] as [Float], shape: [1, 2]), indices: Tensor([1] as [Int64]), shape: [2, 2]))
        let checkpoint = MXNetCheckpoint(
            symbol: MXNetSymbol(nodes: waiting, heads: [Entry(node: 3)]),
            parameters: MXNetParameters(entries: [
                .init(name: "arg:w", array: MXNetArray(Self.w)), .init(name: "arg:b", array: MXNetArray(Self.b)),
                .init(name: "arg:rows", array: rows), .init(name: "arg:nothing", array: MXNetArray(.none)),
                .init(name: "aux:w", array: MXNetArray(Self.b)),
            ]))
        let (graph, report) = try MXNetImporter().graph(of: checkpoint, name: "m")
        #expect(graph.value(named: "rows")?.tensor == Tensor([0, 0, 5, 6] as [Float], shape: [2, 2]))
        #expect(graph.value(named: "w")?.tensor == Self.w)
        #expect(report.losses.count == 4)
        for (loss, name) in zip(report.losses, ["rows", "nothing", "w", "fc"]) { #expect(loss.contains("'\(name)'")) }
    }

    @Test func rangesOfAnotherNodeAreRefused() throws {
        let nodes = [
            Self.variable("data"),
            Node(op: "_contrib_quantize_v2", name: "q", inputs: [Entry(node: 0)]),
            Node(op: "_contrib_quantize_v2", name: "p", inputs: [Entry(node: 0)]),
            Node(
                op: "_contrib_dequantize", name: "d",
                inputs: [Entry(node: 1), Entry(node: 2, output: 1), Entry(node: 1, output: 2)]),
        ]
        #expect(throws: ModelError.self) { try Self.read(nodes, heads: [Entry(node: 3)], []) }
        #expect(throws: ModelError.self) {
            try Self.read(
                Array(nodes[...1]) + [Node(op: "_contrib_dequantize", name: "d", inputs: [Entry(node: 1)])],
                heads: [Entry(node: 2)], [])
        }
    }
}
