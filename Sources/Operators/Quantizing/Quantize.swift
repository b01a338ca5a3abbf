import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// float → codes (src/operator/quantization/quantize_v2-inl.h), or ONNX's QuantizeLinear.
///
/// The grid comes from min_calib_range and max_calib_range (MXNet), from step and zero_point (ONNX), or from the data of
/// each run if there is neither. out_type: int8, uint8, or auto: uint8 where the calibrated minimum is not negative.
struct Quantize: OperatorDefinition {
    let name = "Quantize"
    let summary = "float to int8 or uint8"
    let mxnet: MXNetForm? = MXNetForm("_contrib_quantize_v2", rangedInputs: { _ in [] }, isAlwaysQuantized: true)
    let quantization = QuantizationRule.float(because: "it is what quantizes")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "QuantizeLinear",
            write: { node, writing in
                let type = try QuantizedType(node.attributes)
                guard let grid = type.quantization.grid else {
                    throw ModelError(
                        "its range is found at run time, which QDQ cannot say", advice: "calibrate the model first")
                }
                let names = writing.gridNames(grid, type.dataType, of: writing.output(node))
                writing.emit("QuantizeLinear", node, inputs: [try writing.name(node, 0)] + names)
            },
            read: { reading in
                try reading.defineQuantized(
                    reading.inputs.first ?? nil,
                    ONNXGridInputs(codes: 0, scale: 1, zeroPoint: 2, axis: try reading.integer("axis")))
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try QuantizedType(node.attributes)
        return [ValueType(type.dataType, try node.type(0).shape, quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let type = try QuantizedType(node.attributes)
        let source = try lowering.floatValue(node, 0)
        guard let grid = type.quantization.grid else {
            let results = try lowering.addAll(RunTimeQuantizeKernel(outputType: type.dataType), [source], node)
            lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
            return
        }
        let factor = grid.codesPerUnit(type.dataType)
        let kernel = QuantizeKernel(factor: factor, zeroPoint: grid.zeroPoint, outputType: type.dataType)
        let codes = LoweredValue.Codes.grid(codesPerUnit: factor, zeroPoint: grid.zeroPoint)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source], node), codes: codes))
    }

    let examples = [
        OperatorExample(
            "calibrated, signed",
            """
            %data: float32[2, 3, 4] = input
            %q_output = Quantize(%data) {max_calib_range="0.9", min_calib_range="-0.5", out_type="auto"} origins=[data]
            return %q_output
            """),
        OperatorExample(
            "calibrated, unsigned",
            """
            %data: float32[2, 3, 4] = input
            %q_output = Quantize(%data) {max_calib_range="0.9", min_calib_range="0.000000", out_type="auto"} origins=[data]
            return %q_output
            """),
        OperatorExample(
            "range found at run time",
            """
            %data: float32[2, 3, 4] = input
            %q_output = Quantize(%data) {out_type="uint8"} origins=[data]
            %d_output = Dequantize(%q_output) origins=[data]
            return %d_output
            """),
    ]
}

/// What Quantize and Requantize make: a code type and a grid, read from their attributes.
struct QuantizedType {
    var dataType: DataType
    var quantization: Quantization

    private enum OutType: String, CaseIterable { case int8, uint8, auto }

    init(_ attributes: Attributes) throws {
        let range = try CalibratedRange.read(attributes)
        switch try attributes.choice("out_type", default: OutType.int8) {
        case .int8: dataType = .int8
        case .uint8: dataType = .uint8
        case .auto: dataType = range.map { $0.min >= 0 } ?? false ? .uint8 : .int8
        }
        if let range {
            quantization = .known(QuantizationGrid(range: range, of: dataType))
        } else if let step = try attributes.number("step") {
            quantization = .known(
                QuantizationGrid(steps: [Float(step)], zeroPoint: try attributes.integer("zero_point") ?? 0))
        } else {
            quantization = .foundAtRunTime
        }
    }
}
