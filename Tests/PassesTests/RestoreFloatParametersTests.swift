import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// Float weights of which MXNet makes the codes that they came from: 127.5 codes over the largest, half to even, cut off
/// at 127.
struct RestoreFloatParametersTests {
    private static func mxnetCodes(_ weights: Tensor, channels: Int) -> [Int8] {
        let values = weights.floats(), columns = values.count / channels
        return values.indices.map { index in
            let row = index / columns
            let largest = values[row * columns..<(row + 1) * columns].reduce(0) { max($0, abs($1)) }
            let code = (values[index] * (127.5 / largest)).rounded(.toNearestOrEven)
            return Int8(min(max(code, -128), 127))
        }
    }

    /// By hand, steps of 0.5: 127 becomes 63.75, which is 127.5 codes; 64 becomes 32 and −127 becomes −63.5.
    @Test func theLargestCodeBecomesTheLargestWeight() {
        let codes = Tensor([127, 64, -127, 0] as [Int8], shape: [1, 4])
        let restored = RestoredWeights(codes, QuantizationGrid(steps: [0.5]))
        #expect(restored.weights.floats() == [63.75, 32, -63.5, 0])
        #expect(restored.changedCodes == 0)
    }

    static let rows: [[Int8]] = [
        [127, 1, -1, 126], [127, -128, 5, 63], [-128, 127, 127, -128], [-128, 3, 2, 1], [127, -127, 100, -100],
    ]

    @Test(arguments: rows, [0.5, 0.0078125, 0.0123456, 3.3e-5, 1.7] as [Float])
    func codesComeBack(_ row: [Int8], _ step: Float) {
        let restored = RestoredWeights(Tensor(row, shape: [1, 4]), QuantizationGrid(steps: [step]))
        #expect(Self.mxnetCodes(restored.weights, channels: 1) == row)
        #expect(restored.changedCodes == 0)
    }

    /// −127 as the largest: a weight just short of 127.5 steps, if float32 has one whose code does not round to −128.
    @Test(arguments: [0.5, 0.0123456, 1.7] as [Float]) func aLargestCodeThatIsNegative(_ step: Float) {
        let row: [Int8] = [-127, 64, 1, -1]
        let restored = RestoredWeights(Tensor(row, shape: [1, 4]), QuantizationGrid(steps: [step]))
        let changed = zip(Self.mxnetCodes(restored.weights, channels: 1), row).count { $0 != $1 }
        #expect(changed == restored.changedCodes)
        #expect(changed <= 1)
    }

    /// A channel that does not use its range gets a finer grid from MXNet; an empty one has no codes to change.
    @Test func channelsAreOnGridsOfTheirOwn() {
        let codes = Tensor([127, 2, 100, 3, 0, 0] as [Int8], shape: [3, 2])
        let restored = RestoredWeights(codes, QuantizationGrid(steps: [1, 0.5, 0.25], axis: 0))
        #expect(restored.weights.floats() == [127.5, 2, 50, 1.5, 0, 0])
        #expect(restored.changedCodes == 2)
    }

    static let layer = #"""
        %x: float32[1, 1, 1, 4] = input
        %q_output = Quantize(%x) {max_calib_range="1.0", min_calib_range="-1.0", out_type="int8"}
        %w_quantized: int8[2, 1, 1, 2] @{steps=[0.5, 0.25], axis=0} = parameter(127, -64, 100, 0)
        %b_quantized: int32[2] @{steps=[0.125, 0.0625], axis=0} = parameter(16, -3)
        %y_output = FusedConvolution(%q_output, %w_quantized, %b_quantized) {max_calib_range="1.0", min_calib_range="-1.0", quantized="true"} graph {
          %x0 = input
          %w0 = input
          %b0 = input
          %c_output = Convolution(%x0, %w0, %b0) {kernel="(1, 2)", num_filter="2"}
          return %c_output
        }
        return %y_output
        """#

    @Test func convolutionsGetFloatParameters() throws {
        let result = try PassText(Self.layer, RestoreFloatParameters())
        #expect(result.graph.parameters.map(\.name) == ["w", "b"])
        #expect(result.graph.value(named: "w")?.tensor?.floats() == [63.75, -32, 25, 0])
        #expect(result.graph.value(named: "b")?.tensor?.floats() == [2, -0.1875])
        #expect(result.graph.value(named: "w")?.attributes[ParameterCodes.limitAttribute] == .number(127.5))
        #expect(result.refusals(of: "y") == ["MXNet makes another code of 2 of its 4 weights"])
    }

    /// Sums up to 254 in 127 codes: 2 each; −127 becomes −63.5, rounded away from zero.
    static let fullyConnected = #"""
        %x: float32[1, 2] = input
        %q_output = Quantize(%x) {max_calib_range="1.0", min_calib_range="-1.0", out_type="int8"}
        %w_quantized: int8[2, 2] @{steps=[0.5]} = parameter(127, -64, 100, 0)
        %b_quantized: int32[2] @{steps=[0.125]} = parameter(254, -127)
        %y_output = FusedFullyConnected(%q_output, %w_quantized, %b_quantized) {enable_float_output="True", quantized="True"} graph {
          %x0 = input
          %w0 = input
          %b0 = input
          %c_output = FullyConnected(%x0, %w0, %b0) {num_hidden="2"}
          return %c_output
        }
        return %y_output
        """#

    @Test func fullyConnectedLayersGetRanges() throws {
        let result = try PassText(Self.fullyConnected, RestoreFloatParameters())
        let weights = try #require(result.graph.value(named: "w_quantize")),
            bias = try #require(result.graph.value(named: "b_quantize"))
        #expect(weights.tensor?.asInts() == [127, -64, 100, 0])
        #expect(weights.type?.quantization?.grid?.range == ValueRange(-63.75, 63.75))
        #expect(bias.tensor?.asInts() == [127, -64])
        #expect(bias.type?.quantization?.grid?.range == ValueRange(-31.875, 31.875))
    }

    /// By hand: 127 codes of 0.5 become 127.5, and 100 codes of 0.25 stay 25.
    @Test func stepsByChannelBecomeFloatParameters() throws {
        let channels = Self.fullyConnected.replacingOccurrences(
            of: "int8[2, 2] @{steps=[0.5]}", with: "int8[2, 2] @{steps=[0.5, 0.25], axis=0}")
        let result = try PassText(channels, RestoreFloatParameters())
        #expect(result.graph.value(named: "w")?.tensor?.floats() == [63.75, -32, 25, 0])
        #expect(result.nodes.contains { $0.attributes.text("channel_wise_quantize") == "True" })
    }

    /// Parameters that MXNet stored have ranges already.
    @Test func whatMXNetStoredIsLeftAlone() throws {
        let restored = try PassText(Self.fullyConnected, RestoreFloatParameters())
        #expect(try PassText(graph: restored.graph, [RestoreFloatParameters()]).records == [])
    }
}
