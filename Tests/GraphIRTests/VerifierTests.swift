import GraphIR
import TensorCore
import Testing

/// Every invariant, broken once.
struct VerifierTests {
    private func chain() throws -> Graph {
        try GraphParser.parse(
            """
            graph {
              %x = input
              %a_output = f(%x)
              %b_output = g(%a_output)
              return %b_output
            }
            """)
    }

    private func failure(_ graph: Graph) -> String {
        do {
            try Verifier.verify(graph)
            return "none"
        } catch { return "\(error)" }
    }

    @Test func aSoundGraphPasses() throws { #expect(failure(try chain()) == "none") }

    @Test func v1ANodeWhoseInputIsGone() throws {
        var graph = try chain()
        var patch = GraphPatch(for: graph, "remove a")
        patch.remove(try #require(graph.node(named: "a")).id)
        let touched = graph.apply(patch)
        #expect(failure(graph) == "node 'b' (g): input 0 does not exist (invariant V1).")
        #expect(throws: ModelError.self) { try Verifier.verify(graph, touched: touched) }
    }

    @Test func v1AnOutputOfTheGraphThatIsGone() throws {
        var graph = try chain()
        var patch = GraphPatch(for: graph, "remove b")
        patch.remove(try #require(graph.node(named: "b")).id)
        let touched = graph.apply(patch)
        #expect(failure(graph) == "output 0 of the graph does not exist (invariant V1).")
        #expect(throws: ModelError.self) { try Verifier.verify(graph, touched: touched) }
    }

    @Test func v2AValueThatForgotItsProducer() throws {
        var graph = try chain()
        graph.setTensor(Tensor([Float(1)]), of: try #require(graph.value(named: "a_output")).id)
        #expect(failure(graph) == "node 'a' (f): output 'a_output' has another producer (invariant V2).")
    }

    @Test func v3ACycle() throws {
        var graph = try chain()
        let a = try #require(graph.node(named: "a")), b = try #require(graph.node(named: "b"))
        var patch = GraphPatch(for: graph, "close the loop")
        patch.setInput(0, of: a.id, to: b.outputs[0])
        _ = graph.apply(patch)
        #expect(failure(graph) == "node 'a': needs its own result (invariant V3).")
        #expect(Set(graph.topologicalOrder()) == [a.id, b.id], "the traversal ends all the same")
    }

    @Test(arguments: ["a", ""]) func v4ANameThatIsTakenOrEmpty(name: String) throws {
        var graph = try chain()
        var patch = GraphPatch(for: graph, "rename")
        patch.update(try #require(graph.node(named: "b")).id) { $0.name = name }
        _ = graph.apply(patch)
        #expect(failure(graph) == "node '\(name)': the name is empty or taken (invariant V4).")
    }

    @Test func bodiesAreVerifiedToo() throws {
        let graph = try GraphParser.parse(
            """
            graph {
              %x = input
              %y = f(%x) graph {
                %p = input
                %q = g(%p) name=n
                %r = g(%q) name=n
                return %r
              }
              return %y
            }
            """)
        #expect(failure(graph) == "body of node 'y', node 'n': the name is empty or taken (invariant V4).")
    }
}
