extension OperatorFamily {
    /// Networks along a sequence.
    static let recurrent = OperatorFamily(
        name: "Recurrent",
        definitions: [])
}
