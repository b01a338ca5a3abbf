extension OperatorFamily {
    /// The same elements, arranged otherwise.
    static let shaping = OperatorFamily(
        name: "Shaping",
        definitions: [
            Flatten(), Concat(),
        ])
}
