import GraphIR
import Kernels
import TensorCore

/// float → uint8 with a zero point, for recurrent layers (src/operator/quantization/quantize_asym-inl.h):
///
///     s = 255 / (max − min)     z = round(255 − max · s)     code = round(x · s) + z
///
/// MXNet adds a shift that is not rounded; oneDNN's recurrent layers and ONNX's grids want whole zero points.
struct QuantizeAsymmetric: OperatorDefinition {
    let name = "QuantizeAsymmetric"
    let summary = "float to uint8 with a zero point"
    let mxnet: MXNetForm? = MXNetForm("_contrib_quantize_asym", rangedInputs: { _ in [] }, isAlwaysQuantized: true)
    let quantization = QuantizationRule.float(because: "it is what quantizes")
    let onnx = ONNXForm.unsupported(because: "the recurrent layer behind it is written in float")

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(.uint8, try node.type(0).shape, quantization: try grid(node).map { .known($0) } ?? .foundAtRunTime)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        guard let grid = try grid(node) else {
            let results = try lowering.addAll(RunTimeShiftedQuantizeKernel(), [source], node)
            return lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
        }
        let kernel = QuantizeKernel(factor: 1 / grid.steps[0], zeroPoint: grid.zeroPoint, outputType: .uint8)
        let codes = LoweredValue.Codes.grid(codesPerUnit: 1 / grid.steps[0], zeroPoint: grid.zeroPoint)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source], node), codes: codes))
    }

    private func grid(_ node: NodeReader) throws -> QuantizationGrid? {
        guard let range = try CalibratedRange.read(node.attributes) else { return nil }
        let shifted = ShiftedGrid(range)
        return QuantizationGrid(steps: [1 / shifted.codesPerUnit], zeroPoint: shifted.zeroPoint)
    }

    let examples = [
        OperatorExample(
            "calibrated",
            """
            %data: float32[2, 3, 4] = input
            %q_output = QuantizeAsymmetric(%data) {max_calib_range="0.9", min_calib_range="-0.5"} origins=[data]
            return %q_output
            """),
        OperatorExample(
            "range found at run time",
            """
            %data: float32[2, 3, 4] = input
            %q_output = QuantizeAsymmetric(%data) origins=[data]
            return %q_output
            """),
    ]
}

extension Lowering {
    /// The real values of data that may be codes with a zero point.
    mutating func realValue(_ node: NodeReader, _ input: Int) throws -> BufferID {
        let value = try value(node, input)
        switch value.codes {
        case nil: return value.buffer
        case .grid(let codesPerUnit, let zeroPoint):
            return try add(DequantizeKernel(factor: 1 / codesPerUnit, zeroPoint: zeroPoint), [value.buffer], node)
        case .rangeBuffer(let range):
            return try add(RunTimeShiftedDequantizeKernel(), [value.buffer, range], node)
        case .accumulators: throw ModelError("its input is int32", advice: "requantize it first")
        }
    }
}
