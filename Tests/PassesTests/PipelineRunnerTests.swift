import GraphIR
import Passes
import TensorCore
import Testing

/// What the runner promises: it stops where it is told to, verifies every change, and writes everything down.
struct PipelineRunnerTests {
    static let threeConvolutions = #"""
        %x = input
        %w: float32[1, 1, 1, 1] = parameter(2)
        %a_output = Convolution(%x, %w) {kernel="(1, 1)", no_bias="True", num_filter="1"}
        %r_output = Activation(%a_output) {act_type="relu"}
        %b_output = Convolution(%r_output, %w) {kernel="(1, 1)", no_bias="True", num_filter="1"}
        %c_output = Convolution(%b_output, %w) {kernel="(1, 1)", no_bias="True", num_filter="1"}
        %s_output = Activation(%c_output) {act_type="sigmoid"}
        return %s_output
        """#

    /// Every prefix of the changes leaves a sound graph; the whole is what it is without a limit.
    @Test func itStopsAfterAnyNumberOfPatches() throws {
        let graph = try PassText.parse(Self.threeConvolutions)
        let passes: [any Pass] = [FuseConvolution(), QuantizeGraph(.init()), ApplyCalibration([:]), FuseRequantize()]
        let whole = try PassText(graph: graph, passes)
        let count = whole.records.count { $0.outcome == .applied }
        #expect(count > 8)
        for limit in 0...count {
            let result = try PassText(graph: graph, passes, patchLimit: limit)
            try Verifier.verify(result.graph)
            #expect(result.records.count { $0.outcome == .applied } == limit)
            #expect(result.text != whole.text || limit == count)
        }
        #expect(try PassText(graph: graph, passes, patchLimit: 0).text == PassText.text(of: graph))
        #expect(try PassText(graph: graph, passes, patchLimit: count + 5).text == whole.text)
    }

    @Test func recordsSayWhatWasDoneAndWhyNot() throws {
        let result = try PassText(Self.threeConvolutions, FuseConvolution(), QuantizeGraph(.init(excludedNames: ["c"])))
        let fused = result.records.filter { $0.pass == "FuseConvolution" }
        #expect(fused.filter { $0.outcome == .applied }.map(\.node) == ["a", "b", "c"])
        #expect(fused.filter { $0.outcome == .applied }.map(\.explanation).first == "a + r → sg_mkldnn_conv_act_0")
        #expect(result.refusals(of: "sg_mkldnn_conv_2") == ["excluded"])
        #expect(result.refusals(of: "s") == ["sigmoid cannot be computed on codes"])
    }

    /// A pass whose patches are wrong in one way.
    struct BadPass: Pass {
        enum Fault: CaseIterable { case removesWhatIsUsed, closesACycle, takesAName, usesWhatDoesNotExist }
        let fault: Fault
        let name = "BreakGraph"
        let summary = "does harm"

        func run(_ context: inout PassContext) throws {
            guard let a = context.graph.node(named: "a"), let c = context.graph.node(named: "c") else { return }
            var patch = GraphPatch(for: context.graph, "harm")
            switch fault {
            case .removesWhatIsUsed: patch.remove(a.id)
            case .closesACycle: patch.setInput(0, of: a.id, to: c.outputs[0])
            case .takesAName:
                patch.replace(
                    c.outputs[0], with: patch.add(NodeDraft(name: "a", op: "Flatten", inputs: [c.outputs[0]]))[0])
            case .usesWhatDoesNotExist:
                patch.replace(
                    c.outputs[0], with: patch.add(NodeDraft(name: "d", op: "Flatten", inputs: [a.outputs[0]]))[0])
                patch.remove(c.id)
                patch.remove(a.id)
            }
            try context.apply(patch, to: "a")
        }
    }

    @Test(arguments: BadPass.Fault.allCases) func aPassThatDoesHarmIsNamed(_ fault: BadPass.Fault) throws {
        let error = try #require(throws: ModelError.self) {
            try PassText(Self.threeConvolutions, FuseFullyConnected(), BadPass(fault: fault), FuseConvolution())
        }
        #expect(error.location.first == "after pass BreakGraph")
        #expect(error.problem.contains("invariant V"))
    }

    /// What is broken before is not blamed on a pass.
    @Test func aBrokenGraphIsRefusedAtOnce() throws {
        let twins = "%x = input\n%a = Flatten(%x) name=n\n%b = Flatten(%a) name=n\nreturn %b"
        let error = try #require(throws: ModelError.self) { try PassText(twins, FuseConvolution()) }
        #expect(!error.location.contains { $0.contains("pass") })
    }
}
