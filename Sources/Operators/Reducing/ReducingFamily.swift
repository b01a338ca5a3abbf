extension OperatorFamily {
    /// Sums, means and extremes along axes, softmax among them.
    static let reducing = OperatorFamily(
        name: "Reducing",
        definitions: Reduction.all + ArgReduction.all + CumulativeSum.all + Softmax.all + [FlattenedSoftmax()]
            + OutputLayer.all)
}
