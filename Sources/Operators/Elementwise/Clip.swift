import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// min(max(x, a_min), a_max) (src/operator/tensor/matrix_op.cc).
struct Clip: ElementFunction {
    let name = "clip"
    let summary = "elements limited to an interval"
    let mxnet: MXNetForm? = MXNetForm(names: ["clip", "_npi_clip", "_sparse_clip"])
    let quantization = QuantizationRule.float(
        because: "only a clip that follows a convolution is quantized, fused into it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Clip",
            write: { node, writing in
                let function = try Clip.clip(node.node), type = try node.type(0).dataType.computed
                func bound(_ suffix: String, _ value: Float) -> String {
                    value.isFinite
                        ? writing.initializer(node.node.name + suffix, Tensor(scalar: Double(value), of: type)) : ""
                }
                let bounds = [bound("_min", function.alpha), bound("_max", function.beta)]
                writing.emit("Clip", node, inputs: [try writing.name(node, 0)] + bounds)
            },
            read: { reading in
                // Attributes before opset 11, inputs since.
                func bound(_ attribute: String, _ input: Int, _ standard: Float) throws -> Float? {
                    if let number = try reading.number(attribute) { return number }
                    guard reading.hasInput(input) else { return standard }
                    return reading.constant(input)?.floats().first
                }
                guard let low = try bound("min", 1, -.infinity), let high = try bound("max", 2, .infinity) else {
                    // Computed bounds.
                    var result = reading.inputs.first ?? nil
                    if reading.hasInput(1), reading.hasInput(2) {
                        result = reading.add("broadcast_maximum", inputs: [result, reading.inputs[1]], suffix: "_min")
                    }
                    let isUpper = reading.hasInput(2)
                    return reading.define(
                        isUpper ? "broadcast_minimum" : "broadcast_maximum",
                        inputs: [result, reading.inputs[isUpper ? 2 : 1]])
                }
                reading.define(
                    "clip", ["a_min": .text("\(low)"), "a_max": .text("\(high)")], inputs: [reading.inputs.first ?? nil]
                )
            }))

    func function(of node: any NodeDescription) throws -> ActivationFunction { try Self.clip(node) }

    private static func clip(_ node: any NodeDescription) throws -> ActivationFunction {
        // NumPy's clip may leave one out, as None.
        let low = try node.attributes.number("a_min") ?? -.infinity
        let high = try node.attributes.number("a_max") ?? .infinity
        return ActivationFunction(.clip, alpha: Float(low), beta: Float(high))
    }

    let examples = [
        OperatorExample(
            "relu6",
            """
            %data: float32[2, 3, 4, 4] = input
            %scaled_output = _mul_scalar(%data) {scalar="10"}
            %clip_output = clip(%scaled_output) {a_max="6.0", a_min="0.0"}
            return %clip_output
            """),
        OperatorExample(
            "integers",
            """
            %data: int32[2, 3] = input {__dtype__="4", __shape__="(2, 3)"}
            %clip_output = clip(%data) {a_max="100.0", a_min="-50.0"}
            return %clip_output
            """),
    ]
}
