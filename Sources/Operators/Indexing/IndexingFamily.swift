extension OperatorFamily {
    /// Elements chosen by index or by order.
    static let indexing = OperatorFamily(
        name: "Indexing",
        definitions: Pick.all + TopK.all + OneHot.all + ONNXSelection.all + [
            Embedding(), Take(), GatherND(), ScatterND(),
        ])
}
