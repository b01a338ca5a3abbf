import GraphIR
import GraphRendering
import TensorCore
import Testing

struct ResidualBlocksTests {
    @Test func findsTheSameBlockInEveryStage() throws {
        let expected: [ResidualModel.Form: [String]] = [
            .float: ["conv1", "bn1", "relu1", "conv2", "bn2", "plus", "relu2"],
            .fused: ["sg_mkldnn_conv_bn_act_1", "sg_mkldnn_conv_bn_add_act_2"],
            .quantized: [
                "quantized_sg_mkldnn_conv_bn_act_1", "requantize_sg_mkldnn_conv_bn_act_1",
                "quantized_sg_mkldnn_conv_bn_add_act_2", "requantize_sg_mkldnn_conv_bn_add_act_2",
            ],
            .calibrated: [
                "quantized_sg_mkldnn_conv_bn_act_1", "requantize_sg_mkldnn_conv_bn_act_1",
                "quantized_sg_mkldnn_conv_bn_add_act_2", "requantize_sg_mkldnn_conv_bn_add_act_2",
            ],
            .postFused: ["quantized_sg_mkldnn_conv_bn_act_1", "quantized_sg_mkldnn_conv_bn_add_act_2"],
        ]
        for form in ResidualModel.Form.allCases {
            let graph = ResidualModel.graph(form)
            let blocks = ResidualBlock.find(in: graph)
            #expect(blocks.map(\.name) == ["plus"])
            #expect(blocks.first?.nodes.map { graph[$0].name } == expected[form])
        }
    }

    @Test func aNameInsideTheBlockFindsIt() throws {
        for form in ResidualModel.Form.allCases {
            #expect(try ResidualBlock.find("bn1", in: ResidualModel.graph(form)).name == "plus")
        }
        let requantize = "requantize_sg_mkldnn_conv_bn_act_1"
        #expect(try ResidualBlock.find(requantize, in: ResidualModel.graph(.quantized)).name == "plus")
    }

    @Test func aUniquePartOfANameFindsTheBlock() throws {
        #expect(try ResidualBlock.find("lu1", in: ResidualModel.graph(.fused)).name == "plus")
        #expect(try ResidualBlock.find("plu", in: ResidualModel.graph(.float)).name == "plus")
        let two = try GraphParser.parse("""
            graph two {
              %x: float32 = input
              %a1 = Conv(%x)
              %s1 = Add(%x, %a1)
              %a12 = Conv(%s1)
              %s2 = Add(%s1, %a12)
              return %s2
            }
            """)
        // A whole name counts more than a part of another; what several blocks have in their names is none's.
        #expect(try ResidualBlock.find("a1", in: two).name == "s1")
        #expect(try ResidualBlock.find("12", in: two).name == "s2")
        #expect(throws: ModelError.self) { try ResidualBlock.find("s", in: two) }
    }

    @Test func unknownNamesAreErrorsWithAdvice() throws {
        let graph = ResidualModel.graph(.float)
        #expect {
            try ResidualBlock.find("conv11", in: graph)
        } throws: { "\($0)" == "no residual block holds a node named 'conv11'; did you mean conv1 or conv2?" }
        #expect {
            try ResidualBlock.find("fc", in: graph)
        } throws: { "\($0)" == "node 'fc' lies in no residual block; the blocks are plus." }
        let chain = try GraphParser.parse("graph { %x: float32 = input  %y = Activation(%x)  return %y }")
        #expect(throws: ModelError.self) { try ResidualBlock.find("y", in: chain) }
    }

    /// ResNet v2: the sum has no activation of its own, and the next fork is the sum itself.
    @Test func blocksInARowDoNotShareNodes() throws {
        let graph = try GraphParser.parse("""
            graph v2 {
              %x: float32 = input
              %a = Conv(%x)
              %s1 = Add(%x, %a)
              %r = Relu(%s1)
              %b = Conv(%r)
              %s2 = Add(%s1, %b)
              return %s2
            }
            """)
        let blocks = ResidualBlock.find(in: graph)
        #expect(blocks.map { $0.nodes.map { graph[$0].name } } == [["a", "s1"], ["r", "b", "s2"]])
    }

    @Test func otherSumsAreNoBlocks() throws {
        let graph = try GraphParser.parse("""
            graph none {
              %x: float32 = input
              %z: float32 = input
              %w: float32[1] = parameter(1.0)
              %bias = Add(%x, %w)
              %a = Conv(%bias)
              %two_inputs = Add(%a, %z)
              %left = Sigmoid(%two_inputs)
              %right = Tanh(%two_inputs)
              %gates = Add(%left, %right)
              return %gates
            }
            """)
        #expect(ResidualBlock.find(in: graph).isEmpty)
    }

    /// A symbol without its parameters has weights among its inputs.
    @Test func weightsThatAreInputsDoNotHideTheFork() throws {
        let graph = try GraphParser.parse("""
            graph symbol {
              %x: float32 = input
              %a_weight: float32 = input
              %a = Convolution(%x, %a_weight)
              %sum = elemwise_add(%a, %x)
              return %sum
            }
            """)
        #expect(ResidualBlock.find(in: graph).map { $0.nodes.map { graph[$0].name } } == [["a", "sum"]])
        #expect(GraphDrawing(of: graph).nodes.map(\.name) == ["x", "a", "sum", "sum"])
        #expect(GraphDrawing(of: graph).nodes.map(\.lines) == [[], ["weight: ?"], [], []])
    }

    /// A weight that is dequantized is no second input of the data flow.
    @Test func dequantizedWeightsDoNotHideTheFork() throws {
        let graph = try GraphParser.parse("""
            graph qdq {
              %x: float32 = input
              %q: int8[1] = parameter(1)
              %fork = Relu(%x)
              %w = DequantizeLinear(%q)
              %a = Conv(%fork, %w)
              %sum = Add(%a, %fork)
              return %sum
            }
            """)
        #expect(ResidualBlock.find(in: graph).map { $0.nodes.map { graph[$0].name } } == [["w", "a", "sum"]])
    }
}
