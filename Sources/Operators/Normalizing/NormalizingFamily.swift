extension OperatorFamily {
    /// Normalizations whose statistics are found at run time.
    static let normalizing = OperatorFamily(
        name: "Normalizing",
        definitions: [
            LayerNorm(), TrailingNormalization(.layer), TrailingNormalization(.rootMeanSquare), InstanceNorm(),
            GroupNorm(), L2Normalization(), LpNormalization(), MeanVarianceNormalization(),
            LocalResponseNormalization(),
        ])
}
