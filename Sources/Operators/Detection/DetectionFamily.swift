extension OperatorFamily {
    /// Boxes and regions.
    static let detection = OperatorFamily(
        name: "Detection",
        definitions: [])
}
