import GraphIR
import TensorCore
import Testing

/// What is printed reads back, and what is wrong in a text is told with its line.
struct GraphTextTests {
    static let lenet = """
        graph lenet {
          metadata {format="MXNet 1.9.1", producer="a \\"quoted\\" name"}
          %data: float32[1, 1, 28, 28] = input {__lr_mult__="1.0"}
          %conv0_weight: float32[8, 1, 5, 5] = parameter(...)
          %conv0_bias: float32[2] = parameter(0.5, -1e-05) {__init__="[\\"zero\\", {}]"}
          %conv0_output: uint8[1, 8, 24, 24] @{range=[0.0, 4.658554]} = Convolution(%data, %conv0_weight, %conv0_bias) {kernel="(5, 5)", num_filter="8"}
          %low: float32, %high = Split(%conv0_output, _) {axis=1, sizes=[4, 4], scale=0.25, none=integers[], names=["a", "b"]} name=split origins=[conv0, relu0]
          %codes: int8[2] @{steps=[0.5, 0.25], axis=0, zero=3} = parameter(-128, 127)
          %sum_output: int32 @? = Fused(%low, %high, %codes) {fill=float16[2](0x3c00, 0x0), rest=int64[](7)} origins=[add, "odd name", sum] graph body {
            %x = input
            %y = relu(%x)
            return %y
          }
          graph {
          }
          return %sum_output, %data
        }

        """

    @Test func aPrintedGraphReadsBackToTheSameText() throws {
        let graph = try GraphParser.parse(Self.lenet)
        #expect(GraphPrinter.text(of: graph) == Self.lenet)
        try Verifier.verify(graph)
    }

    @Test func everyPartOfTheTextReachesTheGraph() throws {
        let graph = try GraphParser.parse(Self.lenet)
        #expect(graph.metadata["producer"] == "a \"quoted\" name")
        #expect(graph.inputs.map { graph[$0].name } == ["data"])
        #expect(graph.value(named: "data")?.type == ValueType(.float32, [1, 1, 28, 28]))
        #expect(graph.value(named: "conv0_bias")?.tensor == Tensor([Float(0.5), -1e-05]))
        #expect(graph.value(named: "conv0_weight")?.tensor?.floats().allSatisfy { $0 == 0 } == true)
        let grid = QuantizationGrid(range: ValueRange(0, 4.658554), of: .uint8)
        #expect(graph.value(named: "conv0_output")?.type?.quantization == .known(grid))
        #expect(
            graph.value(named: "codes")?.type?.quantization
                == .known(QuantizationGrid(steps: [0.5, 0.25], axis: 0, zeroPoint: 3)))
        #expect(graph.value(named: "sum_output")?.type?.quantization == .foundAtRunTime)

        let split = try #require(graph.node(named: "split"))
        #expect(split.op == "Split" && split.origins == ["conv0", "relu0"])
        #expect(split.inputs.count == 2 && split.inputs[1] == nil)
        #expect(split.attributes["axis"] == .integer(1))
        #expect(split.attributes["sizes"] == .integers([4, 4]))
        #expect(split.attributes["scale"] == .number(0.25))
        #expect(split.attributes["none"] == .integers([]))
        #expect(split.attributes["names"] == .strings(["a", "b"]))

        let conv = try #require(graph.node(named: "conv0"))
        #expect(conv.attributes["kernel"] == .text("(5, 5)") && conv.origins == ["conv0"])
        let fused = try #require(graph.node(named: "sum"))
        #expect(fused.attributes["rest"] == .tensor(Tensor(scalar: Int64(7))))
        #expect(fused.bodies.map(\.name) == ["body", ""])
        #expect(fused.bodies[0].nodes.map(\.op) == ["relu"])
    }

    @Test func nodesAreOrderedWhateverTheOrderOfAddition() throws {
        var graph = try GraphParser.parse("graph { %x = input %y = relu(%x) return %y }")
        var patch = GraphPatch(for: graph, "negate first")
        let input = try #require(graph.inputs.first)
        let negated = patch.add(NodeDraft(name: "neg", op: "negative", inputs: [input]))[0]
        patch.replace(input, with: negated)
        _ = graph.apply(patch)
        let text = """
            graph {
              %x = input
              %neg_output = negative(%x)
              %y = relu(%neg_output)
              return %y
            }

            """
        #expect(GraphPrinter.text(of: graph) == text)
        #expect(GraphPrinter.text(of: try GraphParser.parse(text)) == text)
    }

    @Test func unusedNodesAndParametersArePrintedToo() throws {
        let text = """
            graph {
              %x = input
              %y = relu(%x)
              %dead_output = tanh(%y)
              %loose: float64[1] = parameter(nan)
              check(%x) name=assertion
              return %y
            }

            """
        #expect(GraphPrinter.text(of: try GraphParser.parse(text)) == text)
    }

    @Test func oddNamesAreQuoted() {
        var graph = Graph(name: "two words")
        let input = graph.addInput("_")
        let node = graph.add(NodeDraft(name: "line\nbreak", op: "return", inputs: [input], outputNames: ["a,b"]))
        graph.setOutputs(graph[node].outputs)
        #expect(
            GraphPrinter.text(of: graph) == """
                graph "two words" {
                  %"_" = input
                  %"a,b" = "return"(%"_") name="line\\nbreak"
                  return %"a,b"
                }

                """)
    }

    @Test func everyElementTypeKeepsItsBits() throws {
        let tensors: [Tensor] = [
            Tensor([Float.pi, -.infinity, 1e20, .leastNonzeroMagnitude]), Tensor([0.1, -2.5e300]),
            Tensor([Int8.min, .max]), Tensor([UInt8.max]), Tensor([Int16.min]), Tensor([UInt16.max]),
            Tensor([Int32.min]), Tensor([UInt32.max]), Tensor([Int64.min]), Tensor([UInt64.max]),
            Tensor([true, false]), Tensor([UInt16(0x3c01)]).reinterpreted(as: .float16),
            Tensor([UInt16(0xff80)]).reinterpreted(as: .bfloat16), Tensor([Float](), shape: [0, 3]),
        ]
        #expect(Set(tensors.map(\.dataType)).count == DataType.allCases.count)
        var graph = Graph()
        for (index, tensor) in tensors.enumerated() { graph.addParameter("p\(index)", tensor) }
        let copy = try GraphParser.parse(GraphPrinter.text(of: graph))
        #expect(copy.parameters.compactMap(\.tensor) == tensors)
    }

    @Test(arguments: [
        ("graph {\n  %y = relu(%x)\n}", "line 2: '%x' is not defined above."),
        ("graph {\n  %data = input\n  %y = relu(%dat)\n}", "line 3: '%dat' is not defined above; did you mean %data?"),
        ("graph {\n  %x = input\n\n  %x = input\n}", "line 4: '%x' is defined twice."),
        ("graph {\n  %w: float32[2] = parameter(1.0)\n}", "line 2: float32 2 has 2 elements, but 1 are given."),
        ("graph {\n  %w: int8[1] = parameter(200)\n}", "line 2: '200' is not a int8."),
        (
            "graph {\n  %w: float32 = parameter(1)\n}",
            "line 2: parameter '%w' has no type or no shape; write one such as float32[2, 3]."
        ),
        (
            "graph {\n  %w: float32[99999999999] = parameter(...)\n}",
            "line 2: parameter '%w' leaves out 99999999999 elements; 67108864 are the limit."
        ),
        (
            "graph {\n  %w: float32[9999999999, 9999999999] = parameter(...)\n}",
            "line 2: shape (9999999999, 9999999999) has more elements than any memory holds."
        ),
        ("graph {\n  %x: int8 @{zero=1} = input\n}", "line 2: the grid has neither a range nor steps."),
        ("graph {\n  %x: int8[3] @{steps=[1, 2], axis=0} = input\n}", "line 2: 2 steps do not fit axis 0 of 3."),
        ("graph {\n  %x = input\n  %y = relu %x\n}", "line 3: '%' is not expected here; expected '('."),
        ("graph {\n  %x = input {a=\"b\n}", "line 2: the quotes are not closed."),
        ("graph {\n  %x = input\n", "line 3: the end of the text is not expected here; expected an operator."),
        ("graph {\n  %x = input {a=1, a=2}\n}", "line 2: attribute 'a' is given twice."),
        ("graph {\n  f()\n}", "line 2: f computes no value and has no name; write name=…."),
        ("graph {\n} graph {\n}", "line 2: 'graph' is not expected here; expected the end of the text."),
    ])
    func errorsNameTheLine(text: String, message: String) {
        #expect { try GraphParser.parse(text) } throws: { "\($0)" == message }
    }

    /// Whatever is left of a text is a sound graph or an error, never a crash.
    @Test func damagedTextsAreErrorsOrGraphs() {
        let characters = Array(Self.lenet)
        for index in stride(from: 0, to: characters.count, by: 3) {
            var copy = characters
            copy[index] = ["}", "\"", "9", "-", "%", ")", "n", "\n"][index % 8]
            for text in [String(characters[..<index]), String(copy)] {
                if let graph = try? GraphParser.parse(text) {
                    #expect(throws: Never.self) { try GraphParser.parse(GraphPrinter.text(of: graph)) }
                }
            }
        }
    }

    @Test func bodiesWithoutEndAreRefused() {
        let text = String(repeating: "graph { f() name=a ", count: 100_000)
        #expect { try GraphParser.parse(text) } throws: { "\($0)".contains("more than 32 deep") }
    }
}
