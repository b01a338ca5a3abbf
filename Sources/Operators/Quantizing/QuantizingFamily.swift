extension OperatorFamily {
    /// Between float and codes.
    static let quantizing = OperatorFamily(
        name: "Quantizing",
        definitions: [
            Quantize(), QuantizeAsymmetric(), Requantize(), Dequantize(),
            LinearQuantization(direction: .quantize), LinearQuantization(direction: .dequantize), DynamicQuantize(),
            IntegerConvolution(), IntegerProduct(),
        ])
}
