import GraphIR
import Operators
import TensorCore

/// An operator that MXNet lacks → those of MXNet's that together compute it.
public struct ComposeForMXNet: Pass {
    public let name = "ComposeForMXNet"
    public let summary = "operators that MXNet lacks are composed of those that it has"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let reader = NodeReader(context.graph[id], in: context.graph)
            guard let definition = OperatorTable.standard[reader.node.op] as? any ComposedForMXNet else { continue }
            var composition = MXNetComposition(of: reader)
            guard definition.mxnet == nil, try reader.locating({ try definition.compose(&composition) }) else {
                continue
            }
            try context.apply(composition.patch, to: reader.node.name)
            try context.annotate()
        }
    }
}
