extension OperatorFamily {
    /// Resampling of images.
    static let spatial = OperatorFamily(
        name: "Spatial",
        definitions: [])
}
