import GraphIR
import GraphRendering
import TensorCore
import Testing

struct BlocksTests {
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
            let blocks = Block.find(in: graph)
            #expect(blocks.map(\.name) == ["plus"])
            #expect(blocks.first?.nodes.map { graph[$0].name } == expected[form])
        }
    }

    @Test func aNameInsideTheBlockFindsIt() throws {
        for form in ResidualModel.Form.allCases {
            #expect(try Block.find("bn1", in: ResidualModel.graph(form)).name == "plus")
        }
        let requantize = "requantize_sg_mkldnn_conv_bn_act_1"
        #expect(try Block.find(requantize, in: ResidualModel.graph(.quantized)).name == "plus")
    }

    @Test func aUniquePartOfANameFindsTheBlock() throws {
        #expect(try Block.find("lu1", in: ResidualModel.graph(.fused)).name == "plus")
        #expect(try Block.find("plu", in: ResidualModel.graph(.float)).name == "plus")
        let two = try GraphParser.parse(
            """
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
        #expect(try Block.find("a1", in: two).name == "s1")
        #expect(try Block.find("12", in: two).name == "s2")
        #expect(throws: ModelError.self) { try Block.find("s", in: two) }
    }

    @Test func unknownNamesAreErrorsWithAdvice() throws {
        let graph = ResidualModel.graph(.float)
        #expect {
            try Block.find("conv11", in: graph)
        } throws: { "\($0)" == "no block holds a node named 'conv11'; did you mean conv1 or conv2?" }
        #expect {
            try Block.find("fc", in: graph)
        } throws: { "\($0)" == "node 'fc' lies in no block; the blocks are plus." }
        let chain = try GraphParser.parse("graph { %x: float32 = input  %y = Activation(%x)  return %y }")
        #expect(throws: ModelError.self) { try Block.find("y", in: chain) }
    }

    /// ResNet v2: the sum has no activation of its own, and the next fork is the sum itself.
    @Test func blocksInARowDoNotShareNodes() throws {
        let graph = try GraphParser.parse(
            """
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
        let blocks = Block.find(in: graph)
        #expect(blocks.map { $0.nodes.map { graph[$0].name } } == [["a", "s1"], ["r", "b", "s2"]])
    }

    @Test func otherSumsAreNoBlocks() throws {
        let graph = try GraphParser.parse(
            """
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
        #expect(Block.find(in: graph).isEmpty)
    }

    /// A symbol without its parameters has weights among its inputs.
    @Test func weightsThatAreInputsDoNotHideTheFork() throws {
        let graph = try GraphParser.parse(
            """
            graph symbol {
              %x: float32 = input
              %a_weight: float32 = input
              %a = Convolution(%x, %a_weight)
              %sum = elemwise_add(%a, %x)
              return %sum
            }
            """)
        #expect(Block.find(in: graph).map { $0.nodes.map { graph[$0].name } } == [["a", "sum"]])
        #expect(GraphDrawing(of: graph).nodes.map(\.name) == ["x", "a", "sum", "sum"])
        #expect(GraphDrawing(of: graph).nodes.map(\.lines) == [[], ["weight: ?"], [], []])
    }

    /// A weight that is dequantized is no second input of the data flow.
    @Test func dequantizedWeightsDoNotHideTheFork() throws {
        let graph = try GraphParser.parse(
            """
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
        #expect(Block.find(in: graph).map { $0.nodes.map { graph[$0].name } } == [["w", "a", "sum"]])
    }

    /// One path squeezed by a convolution of 1×1, then two; and paths that are none of that.
    @Test func kindsOfConcatenation() throws {
        let graph = try GraphParser.parse(
            """
            graph paths {
              %x: float32 = input
              %s = Convolution(%x) {kernel="(1, 1)"}
              %r = Activation(%s)
              %e1 = Convolution(%r) {kernel="(1, 1)"}
              %e3 = Convolution(%r) {kernel="(3, 3)"}
              %fire = Concat(%e1, %e3)
              %p = Pooling(%fire)
              %a = Convolution(%p) {kernel="(1, 1)"}
              %b = Pooling(%p)
              %inception = Concat(%a, %b)
              %c = Convolution(%inception) {kernel="(3, 3)"}
              %dense = Concat(%inception, %c)
              return %dense
            }
            """)
        let blocks = Block.find(in: graph)
        #expect(blocks.map(\.kind) == [.fire, .inception, .dense])
        #expect(blocks.map(\.name) == ["fire", "inception", "dense"])
        #expect(blocks.first?.nodes.map { graph[$0].name } == ["s", "r", "e1", "e3", "fire"])
    }

    @Test func depthwiseConvolutionsMakeItInverted() throws {
        let graph = try GraphParser.parse(
            """
            graph bottleneck {
              %x: float32 = input
              %p = Convolution(%x) {kernel="(1, 1)", num_filter="96"}
              %d = Convolution(%p) {kernel="(3, 3)", num_filter="96", num_group="96"}
              %q = Convolution(%d) {kernel="(1, 1)", num_filter="16"}
              %sum = elemwise_add(%x, %q)
              return %sum
            }
            """)
        #expect(Block.find(in: graph).map(\.kind) == [.invertedResidual])
    }

    @Test func attentionIsFoundByItsSoftmax() throws {
        let graph = try GraphParser.parse(
            """
            graph attention {
              %x: float32 = input
              %q = FullyConnected(%x)
              %k = FullyConnected(%x)
              %v = FullyConnected(%x)
              %scores = batch_dot(%q, %k)
              %scaled = _div_scalar(%scores)
              %weights = softmax(%scaled)
              %attended = batch_dot(%weights, %v)
              return %attended
            }
            """)
        let blocks = Block.find(in: graph)
        #expect(blocks.map(\.kind) == [.attention])
        #expect(blocks.first?.nodes.count == 7)
    }
}
