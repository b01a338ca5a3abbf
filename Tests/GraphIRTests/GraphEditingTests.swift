import GraphIR
import TensorCore
import Testing

/// Patches, uses and the order of computation.
struct GraphEditingTests {
    /// data → conv → relu → add(relu, data)
    static let residual = """
        graph {
          %data = input
          %w: float32[1] = parameter(2.0)
          %conv_output = Convolution(%data, %w)
          %relu_output = relu(%conv_output)
          %add_output = add(%relu_output, %data)
          return %add_output
        }
        """

    private func uses(of name: String, in graph: Graph) -> [String] {
        (graph.value(named: name)?.uses ?? []).map { "\(graph[$0.node].name) \($0.index)" }
    }

    private func names(_ order: [NodeID], in graph: Graph) -> [String] { order.map { graph[$0].name } }

    @Test func buildingKeepsUses() throws {
        let graph = try GraphParser.parse(Self.residual)
        #expect(uses(of: "data", in: graph) == ["conv 0", "add 1"])
        #expect(uses(of: "w", in: graph) == ["conv 1"])
        #expect(uses(of: "add_output", in: graph) == [])
        #expect(graph.consumers(of: try #require(graph.node(named: "conv"))).map(\.name) == ["relu"])
    }

    @Test func aPatchReplacesAddsAndRemoves() throws {
        var graph = try GraphParser.parse(Self.residual)
        let original = graph
        let conv = try #require(graph.node(named: "conv")), relu = try #require(graph.node(named: "relu"))
        var patch = GraphPatch(for: graph, "conv + relu → fused")
        let fused = patch.add(
            NodeDraft(name: "fused", op: "Fused", inputs: conv.inputs, origins: conv.origins + relu.origins))[0]
        patch.replace(relu.outputs[0], with: fused)
        patch.remove(relu.id)
        patch.remove(conv.id)
        let touched = graph.apply(patch)

        #expect(Set(names(touched, in: graph)) == ["fused", "add"])
        try Verifier.verify(graph, touched: touched)
        try Verifier.verify(graph)
        #expect(uses(of: "data", in: graph) == ["add 1", "fused 0"])
        #expect(uses(of: "fused_output", in: graph) == ["add 0"])
        #expect(names(graph.topologicalOrder(), in: graph) == ["fused", "add"])
        #expect(graph.node(named: "fused")?.origin == "relu")
        #expect(graph.node(named: "conv") == nil && graph.value(named: "conv_output") == nil)
        #expect(original.node(named: "conv") != nil, "a copy is a copy")
    }

    @Test func replacingAnOutputChangesTheOutputsOfTheGraph() throws {
        var graph = try GraphParser.parse(Self.residual)
        var patch = GraphPatch(for: graph, "append")
        // The new node uses the very value that it replaces.
        let last = patch.add(NodeDraft(name: "last", op: "tanh", inputs: [graph.outputs[0]]))[0]
        patch.replace(graph.outputs[0], with: last)
        let touched = graph.apply(patch)
        #expect(graph.outputs.map { graph[$0].name } == ["last_output"])
        #expect(uses(of: "add_output", in: graph) == ["last 0"])
        #expect(names(touched, in: graph) == ["last"])
        try Verifier.verify(graph)
    }

    @Test func inputsAndAttributesCanBeChangedInPlace() throws {
        var graph = try GraphParser.parse(Self.residual)
        let add = try #require(graph.node(named: "add"))
        var patch = GraphPatch(for: graph, "double")
        let factor = patch.addParameter("factor", Tensor([Float(3)]))
        patch.setInput(1, of: add.id, to: factor)
        patch.update(add.id) {
            $0.op = "multiply"
            $0.attributes["axis"] = .integer(0)
        }
        _ = graph.apply(patch)
        try Verifier.verify(graph)
        #expect(uses(of: "data", in: graph) == ["conv 0"])
        #expect(uses(of: "factor", in: graph) == ["add 1"])
        #expect(graph[add.id].op == "multiply" && graph[add.id].attributes["axis"] == .integer(0))
    }

    @Test func removingANodeRemovesTheParametersThatOnlyItUsed() throws {
        var graph = try GraphParser.parse(Self.residual)
        graph.addParameter("kept", Tensor([Float(1)]))
        let unused = graph.addParameter("dead", Tensor([Float(1)]))
        graph.removeUnusedVariables([unused])
        #expect(graph.parameters.map(\.name) == ["w", "kept"])
    }

    /// nnvm's DFSVisit: a node after its inputs, the first output's first; `dead` is not needed.
    @Test func theOrderIsDepthFirstFromTheOutputs() throws {
        let graph = try GraphParser.parse(
            """
            graph {
              %data = input
              %a = f(%data)
              %w: float32[1] = parameter(1.0)
              %b = f(%w)
              %dead = f(%a)
              %c = g(%b, %a)
              %d = g(%a, %c)
              return %d, %b
            }
            """)
        #expect(names(graph.topologicalOrder(), in: graph) == ["a", "b", "c", "d"])
        let order = graph.traverse().map { visit in
            switch visit {
            case .node(let id): graph[id].name
            case .variable(let id): graph[id].name
            }
        }
        #expect(order == ["data", "a", "w", "b", "c", "d"])
    }
}
