import GraphIR
import Operators
import Passes
import TensorCore
import Testing

/// quantize_graph: which nodes get twins, and what lies around them.
struct QuantizeGraphTests {
    /// A convolution, a pooling, and a fully connected layer with a sigmoid behind it, as fusion leaves them.
    static let model = #"""
        %data = input
        %w0: float32[1, 1, 1, 1] = parameter(2)
        %conv_output = FusedConvolution(%data, %w0) {with_act="true"} origins=[c, relu] graph conv {
          %data0 = input
          %w00 = input
          %c_output = Convolution(%data0, %w00) {kernel="(1, 1)", no_bias="True", num_filter="1"}
          %relu_output = Activation(%c_output) {act_type="relu"}
          return %relu_output
        }
        %pool_output = Pooling(%conv_output) {kernel="(2, 2)", pool_type="max"}
        %w1: float32[1, 4] = parameter(1, -0.5, 0.25, 0)
        %b1: float32[1] = parameter(3)
        %fc_output = FusedFullyConnected(%pool_output, %w1, %b1) origins=[f] graph fc {
          %pool_output0 = input
          %w10 = input
          %b10 = input
          %f_output = FullyConnected(%pool_output0, %w10, %b10) {num_hidden="1"}
          return %f_output
        }
        %act_output = Activation(%fc_output) {act_type="sigmoid"}
        return %act_output
        """#

    private static func quantize(_ options: QuantizationOptions = .init(), _ statements: String = model) throws
        -> PassText
    {
        try PassText(statements, QuantizeGraph(options))
    }

    /// Codes by hand, 127 over the largest: 1 → 127, −0.5 → −63.5 → −64, 0.25 → 31.75 → 32; 3 → 127.
    @Test func layersGetTwins() throws {
        let result = try Self.quantize()
        let expected = #"""
            %data = input
            %w0: float32[1, 1, 1, 1] = parameter(2)
            %data_quantize_output = Quantize(%data) {out_type="auto"} origins=[data]
            %quantized_conv_output = FusedConvolution(%data_quantize_output, %w0) {with_act="true", quantized="true"} origins=[c, relu] graph conv {
              %data0 = input
              %w00 = input
              %c_output = Convolution(%data0, %w00) {kernel="(1, 1)", no_bias="True", num_filter="1"}
              %relu_output = Activation(%c_output) {act_type="relu"}
              return %relu_output
            }
            %requantize_conv_output = Requantize(%quantized_conv_output) {out_type="auto"} origins=[c, relu]
            %quantized_pool_output = Pooling(%requantize_conv_output) {kernel="(2, 2)", pool_type="max"} origins=[pool]
            %w1_quantize: int8[1, 4] @{range=[-1, 1], steps=[0.007874016]} = parameter(127, -64, 32, 0)
            %b1_quantize: int8[1] @{range=[-3, 3], steps=[0.023622047]} = parameter(127)
            %quantized_fc_output = FusedFullyConnected(%quantized_pool_output, %w1_quantize, %b1_quantize) {quantized="True"} origins=[f] graph fc {
              %pool_output0 = input
              %w10 = input
              %b10 = input
              %f_output = FullyConnected(%pool_output0, %w10, %b10) {num_hidden="1"}
              return %f_output
            }
            %requantize_fc_output = Requantize(%quantized_fc_output) {out_type="auto"} origins=[f]
            %fc_dequantize_output = Dequantize(%requantize_fc_output) origins=[f]
            %act_output = Activation(%fc_dequantize_output) {act_type="sigmoid"}
            return %act_output
            """#
        #expect(try result.text == PassText.normalized(expected))
        #expect(result.refusals(of: "act") == ["sigmoid cannot be computed on codes"])
    }

    /// Behind a layer alone, nothing lies between two of them.
    @Test func smartModeQuantizesWhatLiesBetweenLayers() throws {
        #expect(try Self.quantize(.init(mode: .smart)).names == Self.quantize().names)
        let ending = #"""
            %pool_output = Pooling(%conv_output) {kernel="(2, 2)", pool_type="max"}
            return %pool_output
            """#
        let statements = Self.model.components(separatedBy: "\n").prefix(9).joined(separator: "\n") + "\n" + ending
        #expect(
            try Self.quantize(.init(mode: .full), statements).names.suffix(2) == ["quantized_pool", "pool_dequantize"])
        let smart = try Self.quantize(.init(mode: .smart), statements)
        #expect(smart.names == ["data_quantize", "quantized_conv", "requantize_conv", "conv_dequantize", "pool"])
        #expect(smart.refusals(of: "pool") == ["smart mode: it does not lie between two quantized layers"])
    }

    @Test(arguments: QuantizationOptions.CodeType.allCases) func theTypeIsWrittenOnEveryQuantize(
        _ type: QuantizationOptions.CodeType
    ) throws {
        let result = try Self.quantize(.init(codeType: type))
        for node in result.nodes where node.op == "Quantize" || node.op == "Requantize" {
            #expect(node.attributes == ["out_type": .text(type.rawValue)])
        }
    }

    /// By channel, the parameters of fully connected layers stay in float; convolutions always do.
    @Test func channelWiseParametersStayInFloat() throws {
        let result = try Self.quantize(.init(granularity: .channelWise))
        #expect(result.attribute("channel_wise_quantize", of: "quantized_fc") == "True")
        #expect(result.attribute("channel_wise_quantize", of: "quantized_conv") == nil)
        #expect(Set(result.graph.parameters.map(\.name)) == ["w0", "w1", "b1"])
    }

    /// By the fused node's name, by a name that it swallowed, by the graph's operator, MXNet's, and the inner one.
    static let exclusions =
        ["conv", "c", "relu"].map { QuantizationOptions(excludedNames: [$0]) }
        + ["FusedConvolution", "_sg_mkldnn_conv", "Convolution"].map { QuantizationOptions(excludedOperators: [$0]) }

    @Test(arguments: exclusions) func excludedNodesStayInFloat(_ options: QuantizationOptions) throws {
        let result = try Self.quantize(options)
        #expect(result.names.prefix(3) == ["conv", "conv_output_quantize", "quantized_pool"])
        #expect(result.refusals(of: "conv") == ["excluded"])
    }

    @Test func anExclusionThatMatchesNothingIsRefused() {
        #expect(throws: ModelError("there is no node 'pol' to exclude", advice: "did you mean pool?")) {
            try Self.quantize(.init(excludedNames: ["fc", "pol"]))
        }
        #expect(throws: ModelError("there is no operator 'Poolin' to exclude", advice: "did you mean Pooling?")) {
            try Self.quantize(.init(excludedOperators: ["Poolin"]))
        }
        #expect(
            throws: ModelError(
                "there is no node 'zzzzzzzzzzzz' to exclude", advice: "'requant inspect --layers' lists them")
        ) {
            try Self.quantize(.init(excludedNames: ["zzzzzzzzzzzz"]))
        }
    }

    /// A value that two layers use is quantized once; one that is an output of the model, too, stays float as well.
    @Test func valuesAreQuantizedOnce() throws {
        let layer = #"""
            FusedConvolution(%data, %w0) origins=[c] graph g {
              %data0 = input
              %w00 = input
              %c_output = Convolution(%data0, %w00) {kernel="(1, 1)", no_bias="True", num_filter="1"}
              return %c_output
            }
            """#
        let result = try Self.quantize(
            .init(),
            """
            %data = input
            %w0: float32[1, 1, 1, 1] = parameter(2)
            %a_output = \(layer)
            %b_output = \(layer)
            return %a_output, %b_output, %data
            """)
        #expect(
            result.names == [
                "data_quantize", "quantized_a", "requantize_a", "a_dequantize", "quantized_b", "requantize_b",
                "b_dequantize",
            ])
        #expect(
            result.graph.outputs.map { result.graph[$0].name } == [
                "a_dequantize_output", "b_dequantize_output", "data",
            ])
    }

    @Test func nodesThatNobodyKnowsStayInFloat() throws {
        let result = try Self.quantize(.init(), "%x = input\n%y_output = Mystery(%x)\nreturn %y_output")
        #expect(result.names == ["y"])
        #expect(result.refusals(of: "y") == ["operator Mystery is not known"])
    }

    /// Parameters that are given at run time cannot be stored as codes.
    @Test func aLayerWithoutItsParametersIsRefused() {
        let missing = Self.model.replacingOccurrences(of: "%b1: float32[1] = parameter(3)", with: "%b1 = input")
        #expect(throws: ModelError.self) { try Self.quantize(.init(), missing) }
    }
}
