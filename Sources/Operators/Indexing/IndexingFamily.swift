extension OperatorFamily {
    /// Elements chosen by index or by order.
    static let indexing = OperatorFamily(
        name: "Indexing",
        definitions: Pick.all + TopK.all + OneHot.all + Sequences.all + ONNXSelection.all + DataDependentSelection.all
            + [
                Embedding(), Take(), GatherND(), ScatterND(),
            ])
}
