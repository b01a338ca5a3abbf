import GraphIR
import Passes
import TensorCore
import Testing

/// What FuseConvolution and FuseFullyConnected take, where they stop, and what they say of it.
struct FusionTests {
    static let variables = """
        %x = input
        %w = input
        %v = input
        %gamma = input
        %beta = input
        %mean = input
        %var = input
        %skip = input
        """
    static let convolution = #"%conv_output = Convolution(%x, %w) {kernel="(1, 1)", no_bias="True", num_filter="1"}"#
    static func batchNorm(_ value: String, _ name: String = "bn") -> String {
        "%\(name)_output = BatchNorm(%\(value), %gamma, %beta, %mean, %var)"
    }
    static func relu(_ value: String, _ name: String = "relu") -> String {
        #"%\#(name)_output = Activation(%\#(value)) {act_type="relu"}"#
    }
    static func add(_ a: String, _ b: String) -> String { "%add_output = elemwise_add(%\(a), %\(b))" }

    private static func fuse(_ lines: [String], returning output: String) throws -> PassText {
        let statements = ([variables] + lines + ["return \(output)"]).joined(separator: "\n")
        return try PassText(statements, FuseConvolution(), FuseFullyConnected())
    }

    @Test func aChainMovesIntoTheBody() throws {
        let result = try Self.fuse(
            [Self.convolution, Self.batchNorm("conv_output"), Self.relu("bn_output")], returning: "%relu_output")
        let expected =
            Self.variables + #"""

                %sg_mkldnn_conv_bn_act_0_output = FusedConvolution(%x, %w, %gamma, %beta, %mean, %var) {with_act="true", with_bn="true"} origins=[conv, bn, relu] graph sg_mkldnn_conv_bn_act_0 {
                  %x0 = input
                  %w0 = input
                  %gamma0 = input
                  %beta0 = input
                  %mean0 = input
                  %var0 = input
                  %conv_output = Convolution(%x0, %w0) {kernel="(1, 1)", no_bias="True", num_filter="1"}
                  %bn_output = BatchNorm(%conv_output, %gamma0, %beta0, %mean0, %var0)
                  %relu_output = Activation(%bn_output) {act_type="relu"}
                  return %relu_output
                }
                return %sg_mkldnn_conv_bn_act_0_output
                """#
        #expect(try result.text == PassText.normalized(expected))
        #expect(
            result.records.filter { $0.outcome == .applied }.map(\.explanation) == [
                "conv + bn + relu → sg_mkldnn_conv_bn_act_0"
            ])
    }

    /// The residual comes last in the fused node, and second in the body, wherever it stood.
    @Test(arguments: [("conv_output", "skip"), ("skip", "conv_output")])
    func aResidualIsTakenOnEitherSide(_ operands: (String, String)) throws {
        let result = try Self.fuse(
            [Self.convolution, Self.add(operands.0, operands.1), Self.relu("add_output")], returning: "%relu_output")
        let expected =
            Self.variables + #"""

                %sg_mkldnn_conv_add_act_0_output = FusedConvolution(%x, %w, %skip) {with_postsum_act="true", with_sum="true"} origins=[conv, add, relu] graph sg_mkldnn_conv_add_act_0 {
                  %x0 = input
                  %w0 = input
                  %skip0 = input
                  %conv_output = Convolution(%x0, %w0) {kernel="(1, 1)", no_bias="True", num_filter="1"}
                  %add_output = elemwise_add(%conv_output, %skip0)
                  %relu_output = Activation(%add_output) {act_type="relu"}
                  return %relu_output
                }
                return %sg_mkldnn_conv_add_act_0_output
                """#
        #expect(try result.text == PassText.normalized(expected))
    }

    /// A case: the lines behind the convolution, the output, the nodes that remain, and why the chain ended where.
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let lines: [String]
        let output: String
        let names: [String]
        let end: (node: String, reason: String)
    }

    static let cases = [
        Case(
            description: "a convolution alone", lines: [convolution], output: "%conv_output",
            names: ["sg_mkldnn_conv_0"],
            end: ("conv", "its result is an output of the model")),
        Case(
            description: "everything",
            lines: [convolution, batchNorm("conv_output"), add("bn_output", "skip"), relu("add_output")],
            output: "%relu_output", names: ["sg_mkldnn_conv_bn_add_act_0"],
            end: ("relu", "an activation is the last that a layer takes")),
        Case(
            description: "a second activation",
            lines: [convolution, relu("conv_output"), relu("relu_output", "relu2")],
            output: "%relu2_output", names: ["sg_mkldnn_conv_act_0", "relu2"],
            end: ("relu", "an activation is the last that a layer takes")),
        Case(
            description: "an addition behind the activation",
            lines: [convolution, relu("conv_output"), add("relu_output", "skip")],
            output: "%add_output", names: ["sg_mkldnn_conv_act_0", "add"],
            end: ("relu", "an activation is the last that a layer takes")),
        Case(
            description: "BatchNorm behind the addition",
            lines: [convolution, add("conv_output", "skip"), batchNorm("add_output")],
            output: "%bn_output", names: ["sg_mkldnn_conv_add_0", "bn"],
            end: ("add", "BatchNorm 'bn' follows, which cannot be fused here")),
        Case(
            description: "a second BatchNorm",
            lines: [convolution, batchNorm("conv_output"), batchNorm("bn_output", "bn2")],
            output: "%bn2_output", names: ["sg_mkldnn_conv_bn_0", "bn2"],
            end: ("bn", "BatchNorm 'bn2' follows, which cannot be fused here")),
        Case(
            description: "sigmoid",
            lines: [convolution, #"%act_output = Activation(%conv_output) {act_type="sigmoid"}"#],
            output: "%act_output", names: ["sg_mkldnn_conv_0", "act"],
            end: ("conv", "Activation 'act' follows, which cannot be fused here")),
        Case(
            description: "a branch", lines: [convolution, relu("conv_output"), add("relu_output", "conv_output")],
            output: "%add_output", names: ["sg_mkldnn_conv_0", "relu", "add"],
            end: ("conv", "its result is used 2 times")),
        Case(
            description: "twice in one addition", lines: [convolution, add("conv_output", "conv_output")],
            output: "%add_output",
            names: ["sg_mkldnn_conv_0", "add"], end: ("conv", "its result is used 2 times")),
        Case(
            description: "an output of the model", lines: [convolution, relu("conv_output")],
            output: "%relu_output, %conv_output",
            names: ["sg_mkldnn_conv_0", "relu"], end: ("conv", "its result is an output of the model")),
    ]

    @Test(arguments: cases) func aChainEndsWhereItMust(_ example: Case) throws {
        let result = try Self.fuse(example.lines, returning: example.output)
        #expect(result.names == example.names)
        #expect(result.refusals(of: example.end.node) == ["nothing more is fused: \(example.end.reason)"])
    }

    @Test func otherThanTwoAxesAreRefused() throws {
        let result = try Self.fuse(
            [#"%conv_output = Convolution(%x, %w) {kernel="(3,)", num_filter="1"}"#, Self.relu("conv_output")],
            returning: "%relu_output")
        #expect(result.names == ["conv", "relu"])
        #expect(result.refusals(of: "conv") == ["MXNet fuses convolutions over 2 or 3 axes, this one has 1"])
    }

    /// Numbers go by the order of computation; of two convolutions that are added, the later takes the addition.
    @Test func convolutionsAreNumberedInOrder() throws {
        let second = #"%conv2_output = Convolution(%x, %v) {kernel="(1, 1)", no_bias="True", num_filter="1"}"#
        let result = try Self.fuse(
            [Self.convolution, second, Self.add("conv_output", "conv2_output")], returning: "%add_output")
        #expect(result.names.count == 2)
        let fused = try #require(result.nodes.last)
        #expect(fused.op == "FusedConvolution" && fused.attributes["with_sum"] == .text("true"))
        #expect(Set(result.names.compactMap { $0.last }) == ["0", "1"])
    }

    @Test func fullyConnectedLayersTakeRelu() throws {
        let layer = #"%fc_output = FullyConnected(%x, %w) {no_bias="True", num_hidden="1"}"#
        let result = try Self.fuse([layer, Self.relu("fc_output")], returning: "%relu_output")
        let expected =
            Self.variables + #"""

                %sg_mkldnn_fully_connected_eltwise_0_output = FusedFullyConnected(%x, %w) {with_eltwise="True"} origins=[fc, relu] graph sg_mkldnn_fully_connected_eltwise_0 {
                  %x0 = input
                  %w0 = input
                  %fc_output = FullyConnected(%x0, %w0) {no_bias="True", num_hidden="1"}
                  %relu_output = Activation(%fc_output) {act_type="relu"}
                  return %relu_output
                }
                return %sg_mkldnn_fully_connected_eltwise_0_output
                """#
        #expect(try result.text == PassText.normalized(expected))
    }

    @Test func fullyConnectedLayersTakeNothingElse() throws {
        let layer = #"%fc_output = FullyConnected(%x, %w) {no_bias="True", num_hidden="1"}"#
        let tanh = #"%act_output = Activation(%fc_output) {act_type="tanh"}"#
        let result = try Self.fuse([layer, tanh], returning: "%act_output")
        #expect(result.names == ["sg_mkldnn_fully_connected_0", "act"])
        #expect(result.refusals(of: "fc") == ["Activation 'act' follows, which cannot be fused here"])
        let branch = try Self.fuse(
            [layer, Self.relu("fc_output"), Self.add("relu_output", "fc_output")], returning: "%add_output")
        #expect(branch.names == ["sg_mkldnn_fully_connected_0", "relu", "add"])
        #expect(branch.refusals(of: "fc") == ["its result is used 2 times"])
    }

    /// Un-fused, a fused graph is the graph that it was made of, the operands of additions in MXNet's order.
    @Test(arguments: cases) func unfusingIsTheWayBack(_ example: Case) throws {
        let statements = ([Self.variables] + example.lines + ["return \(example.output)"]).joined(separator: "\n")
        let result = try PassText(statements, FuseConvolution(), UnfuseLayers())
        #expect(try result.text == PassText.normalized(statements))
    }
}
