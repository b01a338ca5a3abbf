import GraphIR
import Kernels
import Operators
import TensorCore
import Testing

@testable import Passes

/// QDQ form and back.
struct QDQTests {
    /// int8 data → convolution with BatchNorm and relu (uint8) → convolution with a residual (int8) → pooling → fully
    /// connected layer (float), as post-fusion leaves them.
    static let quantized = #"""
        %data: float32[1, 2, 4, 4] = input
        %data_quantize_output = Quantize(%data) {max_calib_range="1.0", min_calib_range="-1.0", out_type="auto"} origins=[data]
        %w: float32[2, 2, 1, 1] = parameter(0.5, -0.25, 1, 0.125)
        %gamma: float32[2] = parameter(1, 0.5)
        %beta: float32[2] = parameter(0.25, 0)
        %mean: float32[2] = parameter(0, 0.5)
        %var: float32[2] = parameter(1, 4)
        %quantized_a_output = FusedConvolution(%data_quantize_output, %w, %gamma, %beta, %mean, %var) {max_calib_range="1.0", min_calib_range="0.0", quantized="true", with_act="true", with_bn="true"} origins=[conv, bn, relu] graph {
          %data0 = input
          %w0 = input
          %gamma0 = input
          %beta0 = input
          %mean0 = input
          %var0 = input
          %conv_output = Convolution(%data0, %w0) {kernel="(1, 1)", no_bias="True", num_filter="2"}
          %bn_output = BatchNorm(%conv_output, %gamma0, %beta0, %mean0, %var0) {fix_gamma="False"}
          %relu_output = Activation(%bn_output) {act_type="relu"}
          return %relu_output
        }
        %v: float32[2, 2, 1, 1] = parameter(1, 1, -1, 0.5)
        %quantized_b_output = FusedConvolution(%quantized_a_output, %v, %data_quantize_output) {max_calib_range="2.0", min_calib_range="-2.0", quantized="true", with_sum="true"} origins=[conv2, add] graph {
          %a0 = input
          %v0 = input
          %conv2_output = Convolution(%a0, %v0) {kernel="(1, 1)", no_bias="True", num_filter="2"}
          %data0 = input
          %add_output = elemwise_add(%conv2_output, %data0)
          return %add_output
        }
        %quantized_pool_output = Pooling(%quantized_b_output) {kernel="(2, 2)", pool_type="max", stride="(2, 2)"} origins=[pool]
        %u: int8[3, 8] @{range=[-1, 1], steps=[0.007874016]} = parameter(127, 3, -7, 64, 2, 0, -127, 5, 9, 8, 7, 6, 5, 4, 3, 2, 1, -1, 127, -3, 30, -30, 12, 4)
        %quantized_fc_output = FusedFullyConnected(%quantized_pool_output, %u) {enable_float_output="True", quantized="True"} origins=[fc] graph {
          %pool0 = input
          %u0 = input
          %fc_output = FullyConnected(%pool0, %u0) {no_bias="True", num_hidden="3"}
          return %fc_output
        }
        return %quantized_fc_output
        """#

    private static func annotated(_ statements: String) throws -> Graph {
        var graph = try PassText.parse(statements)
        try TypeInference().annotate(&graph)
        return graph
    }

    private static func run(_ graph: Graph) throws -> Tensor {
        var graph = graph
        try TypeInference().annotate(&graph)
        let program = try Lowering.lower(graph).program
        let data = OperatorExample.elements(of: TensorType(.float32, [1, 2, 4, 4]), seed: 5)
        return try ReferenceExecutor(program).run([data])[0]
    }

    @Test func layersBecomeFloatBetweenDequantizeAndQuantize() throws {
        let result = try PassText(graph: Self.annotated(Self.quantized), [ExpandToQDQ(residual: .exact)])
        #expect(
            result.nodes.map(\.op) == [
                "Quantize", "Dequantize",  // data
                "Dequantize", "Dequantize", "Convolution", "Activation", "Quantize", "Dequantize",  // weights, bias, layer
                "Dequantize", "Convolution", "elemwise_add", "Quantize", "Dequantize",
                "Pooling", "Quantize", "Dequantize", "Flatten", "Quantize", "Dequantize",
                "Dequantize", "FullyConnected",
            ])
        #expect(result.graph.node(named: "conv")?.origins == ["conv", "bn"])
        // By hand: channel 0 has alpha 1 / √1.001, so that 0.5 is its largest weight: 127 and −63.5 → −64, or −63 from below.
        let codes = try #require(result.graph.value(named: "w_quantized")?.tensor).elements(as: Int8.self)
        #expect(codes[0] == 127 && [-63, -64].contains(codes[1]) && codes[2] == 127 && codes[3] == 16)
        #expect(result.graph.value(named: "conv_bias_quantized")?.tensor?.dataType == .int32)
    }

    @Test(arguments: ResidualForm.allCases) func collapsingIsTheWayBack(_ residual: ResidualForm) throws {
        let graph = try Self.annotated(Self.quantized)
        let there: [any Pass] =
            [ExpandToQDQ(residual: residual)] + (residual == .runtime ? [ShiftSignedActivations(.toUnsigned)] : [])
        let back: [any Pass] = [ShiftSignedActivations(.toSigned), CollapseQDQ(dropsInnerRounding: true)]
        let expanded = try PassText(graph: graph, there)
        let collapsed = try PassText(graph: expanded.graph, back)
        #expect(collapsed.nodes.map(\.op) == graph.topologicalOrder().map { graph[$0].op })
        #expect(collapsed.nodes.map(\.origins) == graph.topologicalOrder().map { graph[$0].origins })
        // The same integers, hence the same numbers.
        #expect(try Self.run(collapsed.graph) == Self.run(graph))
        // And there again: nothing is lost on the way.
        var again = collapsed.graph
        try TypeInference().annotate(&again)
        #expect(try Self.run(PassText(graph: again, there).graph) == Self.run(expanded.graph))
        #expect(try PassText(graph: again, there).nodes.map(\.op) == expanded.nodes.map(\.op))
    }

    /// QDQ form means the same as the quantized layers, to the rounding of float32.
    @Test func theNumbersAreTheLayers() throws {
        let graph = try Self.annotated(Self.quantized)
        let expanded = try PassText(graph: graph, [ExpandToQDQ(residual: .exact)]).graph
        let a = try Self.run(graph).floats(), b = try Self.run(expanded).floats()
        for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-5) }
    }

    @Test func uncalibratedLayersAreAllNamed() throws {
        let uncalibrated = Self.quantized.replacingOccurrences(
            of: #"max_calib_range="2.0", min_calib_range="-2.0", "#, with: "")
        let error = try #require(throws: ModelError.self) {
            try PassText(graph: Self.annotated(uncalibrated), [ExpandToQDQ(residual: .exact)])
        }
        for node in ["quantized_b", "quantized_pool"] { #expect(error.problem.contains("'\(node)'")) }
    }

    /// One step for 128 codes more: −1…1 has steps of 1 / 127.5.
    @Test func signedActivationsAreShifted() throws {
        let graph = try Self.annotated(
            #"""
            %x: float32[1, 4] = input
            %q_output = Quantize(%x) {max_calib_range="1.0", min_calib_range="-1.0", out_type="int8"}
            %d_output = Dequantize(%q_output)
            %u_output = Quantize(%x) {max_calib_range="1.0", min_calib_range="0.0", out_type="auto"}
            return %d_output, %u_output
            """#)
        let there = try PassText(graph: graph, [ShiftSignedActivations(.toUnsigned)])
        let node = try #require(there.graph.node(named: "q"))
        #expect(node.attributes.text("out_type") == "uint8" && node.attributes["zero_point"] == .integer(128))
        #expect(try node.attributes.number("step").map(Float.init) == 1 / 127.5)
        #expect(there.graph.node(named: "u")?.attributes == graph.node(named: "u")?.attributes)
        let back = try PassText(graph: there.graph, [ShiftSignedActivations(.toSigned)])
        let codes = try #require(back.graph.value(named: "q_output")?.type)
        #expect(
            codes.dataType == .int8 && codes.quantization?.grid?.zeroPoint == 0
                && codes.quantization?.grid?.steps == [1 / 127.5])
    }

    /// Another tool's layer: zero points of data and result.
    static let shifted = #"""
        %x: float32[1, 1, 2, 2] = input
        %q_output = Quantize(%x) {out_type="uint8", step=0.5, zero_point=3}
        %d_output = Dequantize(%q_output)
        %w: uint8[1, 1, 3, 3] @{steps=[0.5], zero=128} = parameter(128, 128, 128, 128, 131, 129, 128, 128, 128)
        %dw_output = Dequantize(%w)
        %b: float32[1] = parameter(0.6)
        %conv_output = Convolution(%d_output, %dw_output, %b) {kernel="(3, 3)", num_filter="1", pad="(1, 1)"}
        %r_output = Quantize(%conv_output) {out_type="uint8", step=0.5, zero_point=10}
        return %r_output
        """#

    /// By hand: the centre weighs 3 · 0.5, its right neighbour 1 · 0.5, beyond the edge there is the number 0; the bias of
    /// 0.6 is 2 of 0.25. Of codes 5, 3, 4, 1, which are 2, 0, 1, −2 steps of 0.5:
    ///
    ///     3·2 + 0 + 2 = 8,  3·0 + 2 = 2,  3·1 − 2 + 2 = 3,  3·(−2) + 2 = −4   of 0.25 = 4, 1, 1.5 → 2, −2   of 0.5
    @Test func zeroPointsAreComputedWithInIntegers() throws {
        let collapsed = try PassText(graph: Self.annotated(Self.shifted), [CollapseQDQ(dropsInnerRounding: true)])
        #expect(collapsed.nodes.map(\.op) == ["Quantize", "FusedConvolution"])
        var graph = collapsed.graph
        try TypeInference().annotate(&graph)
        let data = Tensor([1, 0, 0.5, -1] as [Float], shape: [1, 1, 2, 2])
        let codes = try ReferenceExecutor(try Lowering.lower(graph).program).run([data])[0]
        #expect(codes.elements(as: UInt8.self) == [14, 11, 12, 8])
    }

    /// A range of −5…122.5 around 10 becomes ±122.5, with steps 1.93 times as long.
    @Test func gridsWithZeroPointsAreRefusedOrFitted() throws {
        let collapse = CollapseQDQ(dropsInnerRounding: true)
        let error = try #require(throws: ModelError.self) {
            try PassText(graph: Self.annotated(Self.shifted), [collapse, FitMXNetGrids(requantizes: false)])
        }
        for name in ["q_output", "quantized_sg_mkldnn_conv_0_output"] { #expect(error.problem.contains("'\(name)'")) }
        let fitted = try PassText(
            graph: Self.annotated(Self.shifted), [collapse, FitMXNetGrids(requantizes: true)])
        let layer = try #require(fitted.graph.node(named: "quantized_sg_mkldnn_conv_0"))
        let maximum = try #require(try layer.attributes.number(CalibratedRange.maximum))
        #expect(abs(maximum - 122.5 * 127.5 / 127) < 1e-4)
        #expect(fitted.refusals(of: layer.name).count == 1)
    }

    /// Saturation at the zero point −128 is relu, which MXNet has to be told: the codes are the same, 128 higher.
    @Test func saturationAtZeroBecomesAnActivation() throws {
        let signed = Self.shifted.replacingOccurrences(
            of: #"{out_type="uint8", step=0.5, zero_point=10}"#, with: #"{out_type="int8", step=0.5, zero_point=-128}"#
        ).replacingOccurrences(
            of: #"{out_type="uint8", step=0.5, zero_point=3}"#, with: #"{out_type="int8", step=0.5}"#)
        let fitted = try PassText(
            graph: Self.annotated(signed),
            [CollapseQDQ(dropsInnerRounding: true), FitMXNetGrids(requantizes: false)])
        let layer = try #require(fitted.graph.node(named: "quantized_sg_mkldnn_conv_0"))
        #expect(layer.attributes.text("with_act") == "true")
        #expect(fitted.refusals(of: layer.name).isEmpty)
        var graph = fitted.graph
        try TypeInference().annotate(&graph)
        let type = try #require(graph[layer.outputs[0]].type)
        #expect(type.dataType == .uint8)
        #expect(abs((type.quantization?.grid?.steps[0] ?? 0) - 0.5) < 1e-6)
    }
}
