import Foundation
import GraphIR
import Operators
import TensorCore

/// What is joined gets one range, the widest, so that none has to be scaled when it is joined
/// (src/operator/subgraph/mkldnn/mkldnn_post_quantize_align_scale_property.h).
///
/// From a concat, the search goes through concats and poolings: up, where nobody else uses a value, and down, where the
/// concat has only one user. Whatever has a calibrated range on the way up is aligned.
public struct AlignConcatScales: Pass {
    public let name = "AlignConcatScales"
    public let summary = "gives the inputs of a quantized concat one range"
    private let table: OperatorTable

    /// Operators are looked up in `table`.
    public init(table: OperatorTable = .standard) { self.table = table }

    public func run(_ context: inout PassContext) throws {
        guard context.graph.nodes.contains(where: { alignment(of: $0) == .joins }) else { return }
        try context.findTypesOfCodes(table)
        var aligned = Set<NodeID>()
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard alignment(of: node) == .joins, context.graph.hasCodes(node) else { continue }
            let sources = sources(of: node, in: context.graph, aligned)
            guard sources.count > 1 else { continue }
            aligned.formUnion(sources.map(\.id))
            try align(sources, &context)
        }
    }

    private func align(_ sources: [Node], _ context: inout PassContext) throws {
        let ranges = try sources.compactMap { try CalibratedRange.read($0.attributes) }
        let common = ranges.reduce(ValueRange(0, 0)) { $0.union($1) }
        for source in sources {
            var patch = GraphPatch(for: context.graph, "[\(common.min), \(common.max)], as what it is joined with")
            patch.update(source.id) { node in
                node.attributes[CalibratedRange.minimum] = .text(sixDecimals(common.min))
                node.attributes[CalibratedRange.maximum] = .text(sixDecimals(common.max))
            }
            try context.apply(patch, to: source.name)
        }
    }

    private func alignment(of node: Node) -> QuantizedTwin.ScaleAlignment {
        guard case .quantized(let twin) = table[node.op]?.quantization else { return .none }
        return twin.alignment
    }

    /// Whether codes go through it with the range that they have.
    private func isPassed(_ node: Node, _ graph: Graph) -> Bool {
        alignment(of: node) != .none && graph.hasCodes(node)
    }

    /// The nodes whose ranges have to agree, in the order in which they are found.
    private func sources(of concat: Node, in graph: Graph, _ aligned: Set<NodeID>) -> [Node] {
        let goesDown = graph.consumers(of: concat).count <= 1
        var found: [Node] = []
        var visited: Set = [concat.id]
        var queue = [concat]
        var next = 0
        while next < queue.count {
            let node = queue[next]
            next += 1
            for case let input? in node.inputs {
                guard let producer = graph.producer(of: input), !visited.contains(producer.id),
                    !aligned.contains(producer.id), !found.contains(where: { $0.id == producer.id }),
                    graph.consumers(of: producer).allSatisfy({ visited.contains($0.id) })
                else { continue }
                if (try? CalibratedRange.read(producer.attributes)) != nil {
                    found.append(producer)
                } else if isPassed(producer, graph) {
                    visited.insert(producer.id)
                    queue.append(producer)
                }
            }
            for user in goesDown ? graph.consumers(of: node) : [] where !visited.contains(user.id) {
                guard isPassed(user, graph) else { continue }
                visited.insert(user.id)
                queue.append(user)
            }
        }
        return found
    }
}
