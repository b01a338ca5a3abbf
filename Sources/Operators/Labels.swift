import GraphIR

extension OperatorTable {
    /// The values of a graph that only training needs: inputs, and what is computed of them, that nothing uses but the
    /// gradient of MXNet's output operators. They are not computed.
    public func labels(of graph: Graph) -> Set<ValueID> {
        let results = Set(graph.outputs)
        var labels = Set<ValueID>()
        func isLabel(_ value: Value) -> Bool {
            !results.contains(value.id) && !value.uses.isEmpty
                && value.uses.allSatisfy { use in
                    let node = graph[use.node]
                    return self[node.op]?.mxnet?.labelInputs.contains(use.index) ?? false
                        || node.outputs.allSatisfy(labels.contains)
                }
        }
        for node in graph.topologicalOrder().reversed() {
            labels.formUnion(graph[node].outputs.filter { isLabel(graph[$0]) })
        }
        return labels.union(graph.inputs.filter { isLabel(graph[$0]) })
    }
}
