extension OperatorFamily {
    /// Products of matrices, attention among them.
    static let products = OperatorFamily(
        name: "Products",
        definitions: MatrixProduct.all + Dot.all + InterleavedAttention.all + FusedSelfAttention.all)
}
