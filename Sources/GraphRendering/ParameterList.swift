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
            guard let tensor = graph[input].tensor else { continue }
            let name = role(of: graph[input].name, for: node)
            let type = tensor.dataType == .float32 ? "" : " \(tensor.dataType)"
            let shape = "\(tensor.shape)\(type)"
            if let last = lines.last, last.shape == shape, last.names.joined().count + name.count < longestLine {
                lines[lines.count - 1].names.append(name)
            } else {
                lines.append((shape, [name]))
            }
        }
        return lines.map { "\($0.names.joined(separator: " ")): \($0.shape)" }
    }

    /// What a parameter is to its node: the name without what it shares with the node's, or with that of one of the
    /// nodes that it stands for. `conv0_weight` of `conv0_fwd` is the `weight`.
    private static func role(of parameter: String, for node: Node) -> String {
        let words = words(of: parameter)
        let shared = ([node.name] + node.origins).map { name in
            zip(words, Self.words(of: name)).prefix { $0 == $1 }.count
        }.max() ?? 0
        // Names that share nothing, as in many ONNX files: `layers.0.weight` is a weight.
        let rest = shared > 0 ? words.dropFirst(shared).joined(separator: "_") : words.last.map(String.init)
        guard let name = rest, !name.isEmpty else { return parameter }
        return symbols[name] ?? name
    }

    private static func words(of name: String) -> [Substring] { name.split { "_./:".contains($0) } }
}
