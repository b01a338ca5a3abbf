/// The names that ONNX Runtime's own quantizer gives, so that its debugging tools find the pairs.
enum QDQNames {
    static func quantizedOutput(_ tensor: String) -> String { tensor + "_QuantizeLinear_Output" }
    static func quantizeNode(_ tensor: String) -> String { tensor + "_QuantizeLinear" }
    static func dequantizedOutput(_ tensor: String) -> String { tensor + "_DequantizeLinear_Output" }
    static func dequantizeNode(_ tensor: String) -> String { tensor + "_DequantizeLinear" }
    static func parameter(_ tensor: String) -> String { tensor + "_quantized" }

    /// The tensor that a quantized output belongs to.
    static func tensor(ofQuantizedOutput name: String) -> String {
        let suffix = quantizedOutput("")
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    }
}
