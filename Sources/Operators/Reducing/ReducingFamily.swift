extension OperatorFamily {
    /// Sums, means and extremes along axes, softmax among them.
    static let reducing = OperatorFamily(
        name: "Reducing",
        definitions: [])
}
