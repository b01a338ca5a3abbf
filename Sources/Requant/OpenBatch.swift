import GraphIR
import ONNXFormat
import Operators
import TensorCore

/// An ONNX model that leaves the batch open is read for one batch; MXNet's checkpoints are for any. What was computed for
/// that one while reading is found by reading the model for two others.
extension Model {
    /// The model with shapes that are right for any batch; what cannot be is among the losses.
    func withOpenBatch() throws -> Model {
        guard let source, !openInputs.isEmpty else { return self }
        let shapes = Dictionary(openInputs.map { ($0.name, $0.shape) }) { first, _ in first }
        let others = try? BatchExtent.probes.map { batch in
            try Model(
                source, name: graph.name,
                shapes: inputShapes.merging(shapes.mapValues { $0.replacing(axis: 0, with: batch) }) { $1 })
        }
        var result = self
        guard let others else {
            result.report.losses.append("the model is for the batch that it was read for; it cannot be read for others")
            return result
        }
        let first = NamedNodes(others[0].graph), second = NamedNodes(others[1].graph)
        for id in graph.topologicalOrder() {
            let node = graph[id]
            guard let a = first[node], let b = second[node], a.op == b.op, a.inputs.count == node.inputs.count else {
                result.report.losses.append("'\(node.name)' (\(node.op)) is for the batch that the model was read for")
                continue
            }
            if a.op != node.op, a.attributes == b.attributes {
                // Operands of one shape for this batch only: an addition that has to broadcast for others.
                result.graph.update(id) { ($0.op, $0.attributes) = (a.op, a.attributes) }
                continue
            }
            for (name, value) in node.attributes
            where a.attributes[name] != b.attributes[name] || value != a.attributes[name] {
                if let extents = BatchExtent.extents(a, b, name),
                    let open = OperatorTable.standard[node.op]?.attribute(
                        name, forAnyBatch: extents, of: BatchExtent.source(first.shape(a), second.shape(b)))
                {
                    result.graph.update(id) { $0.attributes[name] = open }
                } else {
                    result.report.losses.append(
                        "'\(node.name)' (\(node.op)): \(name)=\(value) is for the batch that the model was read for")
                }
            }
        }
        for constant in graph.parameters {
            guard let a = first.constant(constant.name), let b = second.constant(constant.name), a != b else {
                continue
            }
            result.report.losses.append("'\(constant.name)' is stored for the batch that the model was read for")
        }
        return result
    }

    /// Inputs whose first extent the file leaves open.
    private var openInputs: [(name: String, shape: Shape)] {
        guard let source else { return [] }
        return source.graph.inputs.compactMap { input in
            guard case .tensor(_, let dimensions?)? = input.type, let batch = dimensions.first,
                let shape = inputShapes[input.name], shape.rank > 0
            else { return nil }
            if case .known = batch { return nil }
            return (input.name, shape)
        }
    }
}

/// The nodes of a graph by their names.
private struct NamedNodes {
    let graph: Graph
    private let nodes: [String: Node]
    private let constants: [String: Shape]

    init(_ graph: Graph) {
        self.graph = graph
        let stored = graph.parameters.compactMap { value in value.tensor.map { (value.name, $0.shape) } }
        constants = Dictionary(stored) { first, _ in first }
        nodes = Dictionary(graph.nodes.map { ($0.name, $0) }) { first, _ in first }
    }

    subscript(node: Node) -> Node? {
        nodes[node.name]
    }

    func constant(_ name: String) -> Shape? { constants[name] }

    /// The shape of a node's first input.
    func shape(_ node: Node) -> Shape? { (node.inputs.first ?? nil).flatMap { graph[$0].type?.shape } }
}

extension BatchExtent {
    fileprivate static func extents(_ a: Node, _ b: Node, _ name: String) -> [BatchExtent]? {
        guard let first = try? a.attributes.integers(name), let second = try? b.attributes.integers(name) else {
            return nil
        }
        return extents(first, second)
    }

    fileprivate static func source(_ first: Shape?, _ second: Shape?) -> [BatchExtent]? {
        guard let first, let second else { return nil }
        return extents(first.dimensions, second.dimensions)
    }
}
