import GraphIR
import TensorCore

/// Whether the stored parameters of a graph are what its operators need: shape, type, and values that are numbers.
public enum ParameterCheck {
    /// A sentence for each parameter that is not.
    /// - Parameters:
    ///   - graph: the model, types annotated as far as they are known.
    ///   - limit: how many values of each are looked at; all, if nil.
    ///   - table: where operators are looked up.
    public static func problems(
        of graph: Graph, table: OperatorTable = .standard, limit: Int? = nil
    ) -> [String] {
        graph.topologicalOrder().flatMap { id -> [String] in
            let node = graph[id]
            guard let definition = table[node.op] else { return [] }
            do {
                return try definition.parameterShapes(node).sorted { $0.key < $1.key }.compactMap { index, shape in
                    guard node.inputs.indices.contains(index), let input = node.inputs[index] else { return nil }
                    return problem(with: graph[input], shape, node, limit)
                }
            } catch { return ["node '\(node.name)' (\(node.op)): \(error)"] }
        }
    }

    private static func problem(
        with value: Value, _ expected: [Int?], _ node: Node, _ limit: Int?
    ) -> String? {
        guard let tensor = value.tensor else { return nil }
        let fits =
            tensor.shape.rank == expected.count
            && zip(tensor.shape.dimensions, expected).allSatisfy { $1 == nil || $0 == $1 }
        if !fits {
            let shape = expected.map { $0.map(String.init) ?? "?" }.joined(separator: "×")
            return "'\(value.name)' is \(tensor.shape), but '\(node.name)' (\(node.op)) needs \(shape)"
        }
        let isQuantized = value.type?.isQuantized ?? false
        if !tensor.dataType.isFloatingPoint && !isQuantized {
            return "'\(value.name)' is \(tensor.dataType), but '\(node.name)' (\(node.op)) needs floating-point numbers"
        }
        if tensor.dataType == .float32, let index = tensor.beginning(limit).firstNonFinite {
            return "'\(value.name)' has a value that is not a number or infinite, at element \(index)"
        }
        return nil
    }
}

extension Tensor {
    /// The first so many elements in a row, or all.
    fileprivate func beginning(_ limit: Int?) -> Tensor {
        guard let limit, limit < elementCount else { return self }
        return reshaped([elementCount]).rows(0..<limit)
    }
}
