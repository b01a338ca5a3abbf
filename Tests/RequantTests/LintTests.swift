import Foundation
import GraphIR
import Operators
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// The traps in checkpoints that MXNet made, and in some that a test edits so that they have one.
struct LintTests {
    private static func lenet(_ stage: String) throws -> Model { try Model.load(Fixtures.path("lint/lenet-\(stage)")) }

    private static func residual(_ stage: String) throws -> Model {
        try Model.load(
            ResidualNetwork.mnist.path("\(stage)-symbol.json"), parameters: ResidualNetwork.mnist.floatParameters)
    }

    /// A stage whose symbol is edited.
    private static func edited(_ stage: String, _ text: String, _ replacement: String) throws -> Model {
        let symbol = try String(contentsOfFile: Fixtures.path("lint/lenet-\(stage)-symbol.json"), encoding: .utf8)
        try #require(symbol.contains(text))
        return try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/edited-symbol.json"
            try symbol.replacingOccurrences(of: text, with: replacement).write(
                toFile: path, atomically: true, encoding: .utf8)
            return try Model.load(path, parameters: Fixtures.path("lint/lenet-\(stage)-0000.params"))
        }
    }

    /// A layer whose data are int8 codes, in the text of a graph.
    private static func model(_ statements: String) throws -> Model {
        var model = Model(
            graph: try GraphParser.parse(
                """
                graph test {
                  %data: float32[1, 2, 4, 4] = input
                  %codes = Quantize(%data) {max_calib_range="1.0", min_calib_range="-1.0", out_type="int8"}
                  %positive = Quantize(%data) {max_calib_range="1.0", min_calib_range="0.0", out_type="uint8"}
                \(statements)
                }
                """))
        // What cannot be computed has its traps all the same, as in a model that was read.
        model.refusals = try TypeInference().annotateWherePossible(&model.graph)
        return model
    }

    private static func rules(_ model: Model) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: model.traps.map { ($0.rule, $0.nodes) })
    }

    @Test func floatModelsAndQDQHaveNone() throws {
        #expect(try Self.residual("01-fp32").traps.isEmpty && Self.residual("02-fused").traps.isEmpty)
        try Fixtures.withTemporaryFolder { folder in
            var model = try Self.residual("05-naive-postfused-auto-cw-full")
            try model.annotate(shapes: ["data": [1, 1, 28, 28]])
            let result = try model.saveONNX(to: folder + "/m.onnx")
            #expect(result.traps.map(\.rule) == ["residual-sum-of-mixed-types", "weights-in-float"])
            #expect(try Model.load(folder + "/m.onnx").traps.isEmpty)
        }
    }

    @Test func uncalibrated() throws {
        let rules = Self.rules(try Self.lenet("03-none-auto-tw-full"))
        #expect(Set(rules.keys) == ["uncalibrated", "small-gain-of-fully-connected", "weights-in-float"])
        #expect(rules["uncalibrated"]?.contains("data_quantize") == true)
    }

    /// One scale a channel mends the gain, and costs that weights stay in float.
    @Test func gainAndFloatWeights() throws {
        let tensorWise = Self.rules(try Self.lenet("05-naive-postfused-auto-tw-full"))
        #expect(Set(tensorWise.keys) == ["small-gain-of-fully-connected", "weights-in-float"])
        #expect(tensorWise["small-gain-of-fully-connected"]?.count == 2 && tensorWise["weights-in-float"]?.count == 2)
        let channelWise = Self.rules(try Self.lenet("05-naive-postfused-auto-cw-full"))
        #expect(Array(channelWise.keys) == ["weights-in-float"] && channelWise["weights-in-float"]?.count == 4)
    }

    /// The four blocks with a convolution in the shortcut, whose residual is int8.
    @Test func residualSumsOfMixedTypes() throws {
        let rules = Self.rules(try Self.residual("05-naive-postfused-int8-tw-full"))
        #expect(rules["residual-sum-of-mixed-types"]?.count == 4)
        #expect(Self.rules(try Self.residual("04-naive-int8-tw-full"))["residual-sum-of-mixed-types"] == nil)
    }

    /// `quantized_dtype='uint8'` on data that are negative, too.
    @Test func uint8WhereValuesAreNegative() throws {
        let rules = Self.rules(try Self.residual("04-naive-uint8-tw-full"))
        #expect(rules["uint8-where-int8-is-needed"]?.contains("data_quantize") == true)
    }

    @Test func rangesRoundedToZero() throws {
        let stage = "05-naive-postfused-auto-tw-full"
        let ranges = #/"(min|max)_calib_range": "-?[0-9.]+"/#
        let symbol = try String(contentsOfFile: Fixtures.path("lint/lenet-\(stage)-symbol.json"), encoding: .utf8)
        let match = try #require(symbol.firstMatch(of: ranges))
        // Both ends of the first range.
        let next = try #require(symbol[match.range.upperBound...].firstMatch(of: ranges))
        let first = String(symbol[match.range.lowerBound..<next.range.upperBound])
        let zero = first.replacing(#/"-?[0-9.]+"/#, with: "\"0.000000\"")
        let rules = Self.rules(try Self.edited(stage, first, zero))
        #expect(rules["range-rounded-to-zero"]?.count == 1)
    }

    /// relu6 instead of relu in a convolution that is not calibrated.
    @Test func relu6WithoutItsClamp() throws {
        func fused(_ range: String) throws -> [String: [String]] {
            Self.rules(
                try Self.model(
                    """
                    %weight: float32[3, 2, 1, 1] = parameter(1, 2, 3, 4, 5, 6)
                    %layer = FusedConvolution(%codes, %weight) {quantized="true"\(range), with_act="true"} graph inner {
                      %data0 = input
                      %weight0 = input
                      %conv = Convolution(%data0, %weight0) {kernel="(1, 1)", no_bias="True", num_filter="3"}
                      %relu6 = clip(%conv) {a_max="6.0", a_min="0.0"}
                      return %relu6
                    }
                    return %layer
                    """))
        }
        #expect(try fused("")["relu6-without-its-clamp"] == ["layer"])
        #expect(try fused(", max_calib_range=\"6.0\", min_calib_range=\"0.0\"")["relu6-without-its-clamp"] == nil)
    }

    @Test(arguments: [("0, 0, 1, 2", "1, 1", true), ("0, 0, 1, 2", "0, 1", false), ("1, 0, 1, 2", "1, 1", false)])
    func deadChannels(_ weights: String, _ bias: String, _ isDead: Bool) throws {
        let model = try Self.model(
            """
            %weight: float32[2, 2, 1, 1] = parameter(\(weights))
            %bias: float32[2] = parameter(\(bias))
            %layer = FusedConvolution(%codes, %weight, %bias) {max_calib_range="1.0", min_calib_range="-1.0", quantized="true"} \
              graph inner {
              %data0 = input
              %weight0 = input
              %bias0 = input
              %conv = Convolution(%data0, %weight0, %bias0) {kernel="(1, 1)", num_filter="2"}
              return %conv
            }
            return %layer
            """)
        #expect((Self.rules(model)["dead-channels"] != nil) == isDead)
    }

    @Test func sumsThatMayOverflow() throws {
        let model = try Self.model(
            """
            %wide: float32[1, 66400, 1, 1] = input
            %wide_codes = Quantize(%wide) {max_calib_range="1.0", min_calib_range="-1.0", out_type="int8"}
            %weight: float32[1, 66400, 1, 1] = parameter(...)
            %layer = FusedConvolution(%wide_codes, %weight) {max_calib_range="1.0", min_calib_range="-1.0", quantized="true"} \
              graph inner {
              %data0 = input
              %weight0 = input
              %conv = Convolution(%data0, %weight0) {kernel="(1, 1)", no_bias="True", num_filter="1"}
              return %conv
            }
            return %layer
            """)
        #expect(Self.rules(model)["sums-may-overflow"] == ["layer"])
    }

    @Test func additionsOfMixedTypes() throws {
        let model = try Self.model("%sum = elemwise_add(%codes, %positive)\n  return %sum")
        #expect(Self.rules(model)["addition-of-mixed-types"] == ["sum"])
    }

    /// Every rule says what, why and what to do, and is documented.
    @Test func rulesAreDocumented() throws {
        let document = try String(contentsOfFile: Fixtures.document("Quantization.md"), encoding: .utf8)
        #expect(Set(LintRule.all.map(\.name)).count == LintRule.all.count)
        for rule in LintRule.all {
            #expect(!rule.problem.isEmpty && !rule.reason.isEmpty && !rule.advice.isEmpty)
            #expect(document.contains("`\(rule.name)`"), "\(rule.name)")
        }
    }
}
