extension OperatorFamily {
    /// Functions of each element, and arithmetic of two tensors.
    static let elementwise = OperatorFamily(
        name: "Elementwise",
        definitions: [
            QuantizableArithmetic(float: ElementwiseAdd(), codes: SumOfCodes()), BroadcastAdd(),
        ])
}
