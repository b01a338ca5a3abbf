extension OperatorFamily {
    /// Normalizations whose statistics are found at run time.
    static let normalizing = OperatorFamily(
        name: "Normalizing",
        definitions: [])
}
