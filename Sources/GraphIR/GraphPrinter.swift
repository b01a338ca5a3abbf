import TensorCore

/// Writes a graph as text that `GraphParser` reads back: one line for each value or node, after what it uses.
///
///     graph lenet {
///       metadata {format="MXNet 1.9.1"}
///       %data: float32[1, 1, 28, 28] = input
///       %conv0_weight: float32[8, 1, 5, 5] = parameter(...)
///       %conv0_bias: float32[2] = parameter(0.5, -1.0)
///       %conv0_output: uint8[1, 8, 24, 24] @{range=[0.0, 4.5]} = Convolution(%data, %conv0_weight, %conv0_bias) {…}
///       %y: float32 = Fused(%conv0_output, _) name=fused origins=[pool0, relu0] graph {
///         …
///       }
///       return %y
///     }
///
/// `(...)` stands for elements that are too many to print; they read back as zeros. `_` is an input that is left out.
/// `@` tells the grid of codes: `@?` is found at run time, `@{range=[0.0, 4.5]}` and `@{steps=[0.5], axis=0, zero=3}`
/// are known. A node without a name is called like its first output, less `_output`; one without origins is its own
/// origin. The grammar is in `GraphParser`.
public enum GraphPrinter {
    /// Tensors of more elements than this are printed without them.
    static let inlineElements = 16

    /// The graph as text; `GraphParser` reads it back.
    public static func text(of graph: Graph) -> String {
        var lines: [String] = []
        write(graph, after: "", indent: "", to: &lines)
        return lines.joined(separator: "\n") + "\n"
    }

    /// Appends the lines of a graph; `prefix` is what stands before it on its first line.
    private static func write(_ graph: Graph, after prefix: String, indent: String, to lines: inout [String]) {
        let labels = Labels(graph)
        let inner = indent + "  "
        lines.append(indent + prefix + "graph " + (graph.name.isEmpty ? "" : word(graph.name) + " ") + "{")
        if !graph.metadata.isEmpty {
            let entries = graph.metadata.map { "\(word($0.key))=\(quoted($0.value))" }
            lines.append("\(inner)metadata {\(entries.joined(separator: ", "))}")
        }
        for input in graph.inputs { lines.append(inner + text(ofVariable: graph[input], labels)) }
        for visit in graph.traverseEverything() {
            switch visit {
            case .variable(let id):
                if graph[id].tensor != nil { lines.append(inner + text(ofVariable: graph[id], labels)) }
            case .node(let id):
                let node = graph[id]
                let operation = text(of: node, in: graph, labels)
                if node.bodies.isEmpty { lines.append(inner + operation) }
                for (index, body) in node.bodies.enumerated() {
                    write(body, after: index == 0 ? operation + " " : "", indent: inner, to: &lines)
                }
            }
        }
        if !graph.outputs.isEmpty {
            lines.append("\(inner)return \(graph.outputs.map { labels[$0] }.joined(separator: ", "))")
        }
        lines.append(indent + "}")
    }

    private static func text(ofVariable variable: Value, _ labels: Labels) -> String {
        let type = variable.tensor.map { tensor in
            ValueType(tensor.dataType, tensor.shape, quantization: variable.type?.quantization)
        }
        let source = variable.tensor.map { "parameter" + elements(of: $0) } ?? "input"
        return labels[variable.id] + suffix(type ?? variable.type) + " = " + source + text(of: variable.attributes)
    }

    private static func text(of node: Node, in graph: Graph, _ labels: Labels) -> String {
        let results = node.outputs.map { labels[$0] + suffix(graph[$0].type) }
        let operands = node.inputs.map { $0.map { labels[$0] } ?? "_" }
        var text = results.isEmpty ? "" : results.joined(separator: ", ") + " = "
        text += GraphText.keywords.contains(node.op) ? quoted(node.op) : word(node.op)
        text += "(\(operands.joined(separator: ", ")))" + Self.text(of: node.attributes)
        if node.name != GraphText.nodeName(firstOutput: node.outputs.first.map { labels.name($0) }) {
            text += " name=" + word(node.name)
        }
        if node.origins != [node.name] { text += " origins=[\(node.origins.map(word).joined(separator: ", "))]" }
        return text
    }

    // MARK: Types and attributes

    private static func suffix(_ type: ValueType?) -> String {
        guard let type else { return "" }
        let shape = type.shape.map { "[\($0.dimensions.commaSeparated)]" } ?? ""
        let grid = type.quantization.map { " @" + ($0.grid.map { text(of: $0, type.dataType) } ?? "?") } ?? ""
        return ": \(type.dataType)\(shape)\(grid)"
    }

    /// The steps are left out where the range gives them.
    private static func text(of grid: QuantizationGrid, _ dataType: DataType) -> String {
        var fields: [String] = []
        if let range = grid.range { fields.append("range=[\(range.min), \(range.max)]") }
        if grid.range.map({ QuantizationGrid(range: $0, of: dataType) }) != grid {
            fields.append("steps=[\(grid.steps.commaSeparated)]")
            if let axis = grid.axis { fields.append("axis=\(axis)") }
            if grid.zeroPoint != 0 { fields.append("zero=\(grid.zeroPoint)") }
        }
        return "{\(fields.joined(separator: ", "))}"
    }

    private static func text(of attributes: Attributes) -> String {
        if attributes.isEmpty { return "" }
        return " {\(attributes.map { "\(word($0.key))=\(text(of: $0.value))" }.joined(separator: ", "))}"
    }

    private static func text(of attribute: Attribute) -> String {
        switch attribute {
        case .text(let text): quoted(text)
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .integers(let values): values.isEmpty ? "integers[]" : "[\(values.commaSeparated)]"
        case .numbers(let values): values.isEmpty ? "numbers[]" : "[\(values.commaSeparated)]"
        case .strings(let values): values.isEmpty ? "strings[]" : "[\(values.map(quoted).joined(separator: ", "))]"
        case .tensor(let tensor): "\(tensor.dataType)[\(tensor.shape.dimensions.commaSeparated)]\(elements(of: tensor))"
        }
    }

    private static func elements(of tensor: Tensor) -> String {
        tensor.elementCount > inlineElements ? "(...)" : "(\(tensor.elementWords.joined(separator: ", ")))"
    }

    private static func word(_ text: String) -> String { GraphText.isBare(text) ? text : quoted(text) }
    private static func quoted(_ text: String) -> String { GraphText.quoted(text) }

    /// What values are called: `%name`. A name that is taken, which sound graphs do not have, gets a number.
    private struct Labels {
        private var names: [ValueID: String] = [:]

        init(_ graph: Graph) {
            var taken = Set<String>()
            for value in graph.values {
                var name = value.name
                var count = 1
                while !taken.insert(name).inserted {
                    count += 1
                    name = "\(value.name)#\(count)"
                }
                names[value.id] = name
            }
        }

        func name(_ id: ValueID) -> String { names[id] ?? "" }
        subscript(id: ValueID) -> String { "%" + word(name(id)) }
    }
}

extension Graph {
    /// What the outputs need, then the rest, each after what it uses.
    fileprivate func traverseEverything() -> [Visit] {
        let unused = parameters.filter { $0.uses.isEmpty && !outputs.contains($0.id) }
        return traverse(from: outputs + nodes.flatMap(\.outputs) + unused.map(\.id))
            + nodes.filter { $0.outputs.isEmpty }.map { .node($0.id) }
    }
}
