import GraphIR
import Kernels
import TensorCore

/// int32 sums → codes (src/operator/quantization/mkldnn/mkldnn_requantize-inl.h). Attributes as for Quantize.
struct Requantize: OperatorDefinition {
    let name = "Requantize"
    let summary = "int32 sums to int8 or uint8"
    let mxnet: MXNetForm? = MXNetForm("_contrib_requantize", isAlwaysQuantized: true)
    let quantization = QuantizationRule.float(because: "it is part of what a quantized layer becomes")

    let onnx = ONNXForm.unsupported(because: "it is fused into the layer before it first")

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try QuantizedType(node.attributes)
        return [ValueType(type.dataType, try node.type(0).shape, quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let type = try QuantizedType(node.attributes)
        let source = try lowering.value(node, 0)
        switch source.codes {
        case .rangeBuffer(let range):
            let kernel = RunTimeRequantizeKernel(
                outputType: type.dataType, repeatsMXNet: lowering.arithmetic == .mxnet)
            let results = try lowering.addAll(kernel, [source.buffer, range], node)
            lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
        case .accumulators(let unit):
            guard let grid = type.quantization.grid else {
                // The layer's ranges are known, but not the result's.
                let limit = unit * Float(Int32.max)
                let operands = [source.buffer, lowering.addConstant(Tensor([-limit, limit]))]
                let kernel = RunTimeRequantizeKernel(
                    outputType: type.dataType, repeatsMXNet: lowering.arithmetic == .mxnet)
                let results = try lowering.addAll(kernel, operands, node)
                return lowering.define(node, LoweredValue(results[0], codes: .rangeBuffer(results[1])))
            }
            let codesPerUnit = grid.codesPerUnit(type.dataType)
            // MXNet divides by 127 or 255 here, but reads the codes with 127.5 and 255.5.
            let wide: Float = type.dataType == .uint8 ? 255 : 127
            let factor =
                lowering.arithmetic == .mxnet
                ? unit * (wide / (grid.range?.magnitude ?? wide / codesPerUnit)) : unit * codesPerUnit
            let kernel = QuantizeKernel(factor: factor, outputType: type.dataType)
            lowering.define(
                node,
                LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: .grid(codesPerUnit: codesPerUnit)))
        case .grid, nil: throw ModelError("its input is not int32")
        }
    }

    let examples = [
        OperatorExample(
            "calibrated",
            """
            %data: float32[1, 3, 6, 6] = input
            %weight: float32[4, 3, 3, 3] = parameter(...)
            %q_output = Quantize(%data) {out_type="auto", max_calib_range="1.0", min_calib_range="-1.0"} origins=[data]
            %quantized_output = FusedConvolution(%q_output, %weight) {quantized="true"} origins=[conv] graph quantized {
              %data0 = input
              %weight0 = input
              %conv_output = Convolution(%data0, %weight0) {kernel="(3, 3)", no_bias="True", num_filter="4"}
              return %conv_output
            }
            %requantize_output = Requantize(%quantized_output) {max_calib_range="8.0", min_calib_range="-8.0", out_type="auto"} origins=[conv]
            %d_output = Dequantize(%requantize_output) origins=[conv]
            return %d_output
            """),
        OperatorExample(
            "range found at run time",
            """
            %data: float32[1, 3, 6, 6] = input
            %weight: float32[4, 3, 3, 3] = parameter(...)
            %q_output = Quantize(%data) {out_type="auto"} origins=[data]
            %quantized_output = FusedConvolution(%q_output, %weight) {quantized="true"} origins=[conv] graph quantized {
              %data0 = input
              %weight0 = input
              %conv_output = Convolution(%data0, %weight0) {kernel="(3, 3)", no_bias="True", num_filter="4"}
              return %conv_output
            }
            %requantize_output = Requantize(%quantized_output) {out_type="auto"} origins=[conv]
            %d_output = Dequantize(%requantize_output) origins=[conv]
            return %d_output
            """),
    ]
}
