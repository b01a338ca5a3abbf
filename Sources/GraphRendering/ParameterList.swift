import GraphIR

/// The parameters of a node, in its box instead of boxes of their own: `weight: 64×64×3×3`, `γ β μ σ²: 64`.
enum ParameterList {
    private static let symbols = [
        "gamma": "γ", "beta": "β", "running_mean": "μ", "moving_mean": "μ", "running_var": "σ²", "moving_var": "σ²",
    ]

    private static let longestLine = 30

    /// One line for each run of parameters of one shape.
    static func lines(of node: Node, in graph: Graph) -> [String] {
        var lines: [(shape: String, names: [String])] = []
        for case let input? in node.inputs {
            let value = graph[input]
            guard isParameter(value, in: graph) else { continue }
            let name = role(of: value.name, for: node)
            let type = value.type.flatMap { $0.dataType == .float32 ? nil : " \($0.dataType)" } ?? ""
            let shape = (value.type?.shape?.description ?? "?") + type
            if let last = lines.last, last.shape == shape, last.names.joined().count + name.count < longestLine {
                lines[lines.count - 1].names.append(name)
            } else {
                lines.append((shape, [name]))
            }
        }
        return lines.map { "\($0.names.joined(separator: " ")): \($0.shape)" }
    }

    /// True for what is stored with the model, and for what a model without its parameters leaves to be given: inputs
    /// that are nothing but the weights or statistics of layers.
    static func isParameter(_ value: Value, in graph: Graph) -> Bool {
        guard value.producer == nil, value.tensor == nil else { return value.tensor != nil }
        return !value.uses.isEmpty
            && value.uses.allSatisfy { use in
                use.index > 0 && Operation.readsParameters(graph[use.node])
            }
    }

    /// What a parameter is to its node: the name without what it shares with the node's, or with that of one of the
    /// nodes that it stands for. `conv0_weight` of `conv0_fwd` is the `weight`.
    static func role(of parameter: String, for node: Node) -> String {
        let words = words(of: parameter)
        let shared =
            ([node.name] + node.origins).map { name in
                zip(words, Self.words(of: name)).prefix { $0 == $1 }.count
            }.max() ?? 0
        // Names that share nothing, as in many ONNX files: `layers.0.weight` is a weight.
        let rest = shared > 0 ? words.dropFirst(shared).joined(separator: "_") : words.last.map(String.init)
        guard let name = rest, !name.isEmpty else { return parameter }
        return symbols[name] ?? name
    }

    private static func words(of name: String) -> [Substring] { name.split { "_./:".contains($0) } }
}
