import GraphIR
import TensorCore

/// Whether the stored parameters of a graph are what its operators need: shape, type, and values that are numbers.
public enum ParameterCheck {
    /// A sentence for each parameter that is not.
    public static func problems(of graph: Graph, table: OperatorTable = .standard) -> [String] {
        graph.topologicalOrder().flatMap { id -> [String] in
            let node = graph[id]
            guard let definition = table[node.op] else { return [] }
            do {
                return try definition.parameterShapes(node).sorted { $0.key < $1.key }.compactMap { index, shape in
                    guard node.inputs.indices.contains(index), let input = node.inputs[index] else { return nil }
                    return problem(with: graph[input], shape, node)
                }
            } catch { return ["node '\(node.name)' (\(node.op)): \(error)"] }
        }
    }

    private static func problem(with value: Value, _ expected: [Int?], _ node: Node) -> String? {
        guard let tensor = value.tensor else { return nil }
        let fits = tensor.shape.rank == expected.count
            && zip(tensor.shape.dimensions, expected).allSatisfy { $1 == nil || $0 == $1 }
        if !fits {
            let shape = expected.map { $0.map(String.init) ?? "?" }.joined(separator: "×")
            return "'\(value.name)' is \(tensor.shape), but '\(node.name)' (\(node.op)) needs \(shape)"
        }
        let isQuantized = value.type?.isQuantized ?? false
        if !tensor.dataType.isFloatingPoint && !isQuantized {
            return "'\(value.name)' is \(tensor.dataType), but '\(node.name)' (\(node.op)) needs floating-point numbers"
        }
        if tensor.dataType == .float32, let index = tensor.firstNonFinite {
            return "'\(value.name)' has a value that is not a number or infinite, at element \(index)"
        }
        return nil
    }
}
