import OrderedCollections
import TensorCore

/// Writes a symbol in the very layout of MXNet 1.9.1: dmlc's JSONWriter, two blanks of indentation, a blank before every
/// line break that follows a comma, attributes sorted by name.
public struct SymbolWriter {
    private var text = ""

    public static func write(_ symbol: MXNetSymbol, to path: String) throws {
        try FileOutput.write(encode(symbol), to: path)
    }

    public static func encode(_ symbol: MXNetSymbol) -> String {
        var writer = SymbolWriter()
        writer.symbol(symbol, indent: 0)
        return writer.text
    }

    private mutating func symbol(_ symbol: MXNetSymbol, indent: Int) {
        object(indent) { writer, indent in
            writer.member("nodes", indent, isFirst: true)
            writer.list(symbol.nodes, indent) { writer, node in writer.node(node, indent: indent + 2) }
            writer.member("arg_nodes", indent)
            writer.wrapped(symbol.argumentNodes.map(String.init), indent)
            writer.member("node_row_ptr", indent)
            writer.wrapped(symbol.nodeRowPointer.map(String.init), indent)
            writer.member("heads", indent)
            writer.wrapped(symbol.heads.map(Self.entry), indent)
            writer.flags(symbol, indent)
        }
    }

    private mutating func node(_ node: MXNetSymbol.Node, indent: Int) {
        object(indent) { writer, indent in
            writer.member("op", indent, isFirst: true)
            writer.quoted(node.op)
            writer.member("name", indent)
            writer.quoted(node.name)
            if !node.attributes.isEmpty {
                writer.member("attrs", indent)
                writer.attributes(node.attributes, indent)
            }
            writer.member("inputs", indent)
            writer.wrapped(node.inputs.map(Self.entry), indent)
            if !node.subgraphs.isEmpty {
                writer.member("subgraphs", indent)
                writer.list(node.subgraphs, indent) { writer, symbol in writer.symbol(symbol, indent: indent + 2) }
            }
        }
    }

    /// One attribute stays on the line.
    private mutating func attributes(_ attributes: OrderedDictionary<String, String>, _ indent: Int) {
        guard attributes.count > 1 else {
            for (key, value) in attributes {
                text += "{"
                quoted(key)
                text += ": "
                quoted(value)
                text += "}"
            }
            return
        }
        object(indent) { writer, indent in
            for (index, key) in attributes.keys.sorted().enumerated() {
                writer.member(key, indent, isFirst: index == 0)
                writer.quoted(attributes[key] ?? "")
            }
        }
    }

    private mutating func flags(_ symbol: MXNetSymbol, _ indent: Int) {
        var flags = symbol.flags
        if let version = symbol.version { flags["mxnet_version"] = version }
        guard !flags.isEmpty else { return }
        member("attrs", indent)
        text += "{"
        for (index, key) in flags.keys.sorted().enumerated() {
            text += index == 0 ? "" : ", "
            quoted(key)
            text += ": [\"int\", \(flags[key] ?? 0)]"
        }
        text += "}"
    }

    private static func entry(_ entry: MXNetSymbol.Entry) -> String { "[\(entry.node), \(entry.output), \(entry.version)]" }

    private mutating func object(_ indent: Int, _ members: (inout SymbolWriter, Int) -> Void) {
        text += "{"
        members(&self, indent + 2)
        newline(indent)
        text += "}"
    }

    private mutating func member(_ key: String, _ indent: Int, isFirst: Bool = false) {
        if !isFirst { text += ", " }
        newline(indent)
        quoted(key)
        text += ": "
    }

    private mutating func list<Element>(
        _ elements: [Element], _ indent: Int, _ write: (inout SymbolWriter, Element) -> Void
    ) {
        text += "["
        for (index, element) in elements.enumerated() {
            text += index == 0 ? "" : ", "
            newline(indent + 2)
            write(&self, element)
        }
        newline(indent)
        text += "]"
    }

    /// Up to ten numbers or entries stay on the line.
    private mutating func wrapped(_ elements: [String], _ indent: Int) {
        if elements.count <= 10 {
            text += "[" + elements.joined(separator: ", ") + "]"
        } else {
            list(elements, indent) { writer, element in writer.text += element }
        }
    }

    private mutating func newline(_ indent: Int) {
        text += "\n"
        text += String(repeating: " ", count: indent)
    }

    private mutating func quoted(_ string: String) {
        text += "\""
        for character in string.unicodeScalars {
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default: text.unicodeScalars.append(character)
            }
        }
        text += "\""
    }
}
