extension OperatorFamily {
    /// Resampling of images.
    static let spatial = OperatorFamily(
        name: "Spatial",
        definitions: [
            UpSampling(), BilinearResize2D(), Resize(), AdaptiveAveragePooling(), GridGenerator(), BilinearSampler(),
            SpatialTransformer(), GridSample(), DeformableConvolution(modulated: false),
            DeformableConvolution(modulated: true),
        ])
}
