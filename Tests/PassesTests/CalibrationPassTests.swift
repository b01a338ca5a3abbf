import GraphIR
import Operators
import Passes
import TensorCore
import Testing

/// Ranges are written as MXNet writes them, and move into the layers.
struct CalibrationPassTests {
    static let quantized = #"""
        %data = input
        %w = input
        %data_quantize_output = Quantize(%data) {out_type="auto"} origins=[data]
        %quantized_c_output = FusedConvolution(%data_quantize_output, %w) {quantized="true"} origins=[c]
        %requantize_c_output = Requantize(%quantized_c_output) {out_type="auto"} origins=[c]
        %quantized_f_output = FusedFullyConnected(%requantize_c_output, %w) {quantized="True"} origins=[f]
        %requantize_f_output = Requantize(%quantized_f_output) {out_type="auto"} origins=[f]
        %f_dequantize_output = Dequantize(%requantize_f_output) origins=[f]
        return %f_dequantize_output
        """#
    static let ranges = [
        "data": ValueRange(0, 1.0 / 3), "c_output": ValueRange(-2.5, 4e-7), "f_output": ValueRange(-1, 1),
    ]

    @Test func thePointsAreTheFloatValues() throws {
        #expect(try CalibrationPoints.names(for: PassText.parse(Self.quantized)) == ["data", "c_output", "f_output"])
    }

    /// C's %f: a range below 5e-7 becomes zero.
    @Test func rangesHaveSixDecimals() throws {
        let result = try PassText(Self.quantized, ApplyCalibration(Self.ranges))
        func range(_ node: String) -> [String?] {
            [CalibratedRange.minimum, CalibratedRange.maximum].map { result.attribute($0, of: node) }
        }
        #expect(range("data_quantize") == ["0.000000", "0.333333"])
        #expect(range("requantize_c") == ["-2.500000", "0.000000"])
        #expect(range("requantize_f") == ["-1.000000", "1.000000"])
    }

    @Test func valuesWithoutARangeAreNamed() throws {
        let result = try PassText(Self.quantized, ApplyCalibration(["data": ValueRange(0, 1)]))
        #expect(result.refusals(of: "requantize_c") == ["no range was found for 'c_output'; it is found at run time"])
        #expect(result.attribute(CalibratedRange.minimum, of: "requantize_c") == nil)
        #expect(result.records.filter { $0.outcome == .applied }.map(\.node) == ["data_quantize"])
    }

    @Test func rangesMoveIntoTheLayers() throws {
        let result = try PassText(Self.quantized, ApplyCalibration(Self.ranges), FuseRequantize())
        let expected = #"""
            %data = input
            %w = input
            %data_quantize_output = Quantize(%data) {out_type="auto", min_calib_range="0.000000", max_calib_range="0.333333"} origins=[data]
            %quantized_c_output = FusedConvolution(%data_quantize_output, %w) {quantized="true", min_calib_range="-2.500000", max_calib_range="0.000000"} origins=[c]
            %quantized_f_output = FusedFullyConnected(%quantized_c_output, %w) {quantized="True", enable_float_output="True"} origins=[f]
            return %quantized_f_output
            """#
        #expect(try result.text == PassText.normalized(expected))
    }

    @Test func withoutARangeNothingMoves() throws {
        let result = try PassText(Self.quantized, FuseRequantize())
        #expect(try result.text == PassText.normalized(Self.quantized))
        #expect(result.refusals(of: "quantized_c") == ["'requantize_c' has no calibrated range"])
        #expect(result.refusals(of: "quantized_f") == ["'requantize_f' has no calibrated range"])
    }

    /// A fully connected layer whose codes someone uses gives codes.
    @Test func codesThatAreUsedStayCodes() throws {
        let used = Self.quantized.replacingOccurrences(
            of: "return %f_dequantize_output", with: "return %f_dequantize_output, %requantize_f_output")
        let result = try PassText(used, ApplyCalibration(Self.ranges), FuseRequantize())
        #expect(result.attribute(CalibratedRange.maximum, of: "quantized_f") == "1.000000")
        #expect(result.attribute("enable_float_output", of: "quantized_f") == nil)
        #expect(result.names == ["data_quantize", "quantized_c", "quantized_f", "f_dequantize"])
    }
}
