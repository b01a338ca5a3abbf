extension OperatorFamily {
    /// Layers that have weights, and pooling.
    static let layers = OperatorFamily(
        name: "Layers",
        definitions: [
            Convolution(), FusedConvolution(), FullyConnected(), FusedFullyConnected(), Deconvolution(), Pooling(),
            LegacyPooling(),
            MaxPoolWithIndices(), MaxUnpool(), BatchNorm(),
            Activation(),
        ])
}
