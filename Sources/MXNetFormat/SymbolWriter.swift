import OrderedCollections
import TensorCore

/// Writes a symbol as MXNet 1.9.1 does, byte for byte: attributes sorted, empty parts left out, arrays of up to ten
/// numbers or entries and attributes of one member on one line.
/// Source: `JSONNode` and `JSONGraph` in nnvm's saveload_json.cc, dmlc-core's json.h.
public enum SymbolWriter {
    /// - Throws: `ModelError` if the file cannot be written.
    public static func write(_ symbol: MXNetSymbol, to path: String) throws {
        try FileOutput.write(to: path) { try $0.write(bytes(of: symbol)) }
    }

    /// The text of a symbol, as MXNet 1.9.1 writes it.
    public static func encode(_ symbol: MXNetSymbol) -> String { String(decoding: bytes(of: symbol), as: UTF8.self) }

    private static func bytes(of symbol: MXNetSymbol) -> [UInt8] {
        var writer = JSONWriter()
        writer.write(symbol)
        return writer.output
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ symbol: MXNetSymbol) {
        object(multiline: true) { object in
            object.member("nodes") { $0.array(symbol.nodes, multiline: true) { $0.write($1) } }
            object.member("arg_nodes") { $0.write(symbol.argumentNodes) }
            object.member("node_row_ptr") { $0.write(symbol.nodeRowPointer) }
            object.member("heads") { $0.write(symbol.heads) }
            if !symbol.attributes.isEmpty {
                object.member("attrs") { $0.write(symbol.attributes) { $0.write($1) } }
            }
        }
    }

    private mutating func write(_ node: MXNetSymbol.Node) {
        object(multiline: true) { object in
            object.member("op") { $0.string(node.op) }
            object.member("name") { $0.string(node.name) }
            if !node.attributes.isEmpty {
                object.member("attrs") { $0.write(node.attributes) { $0.string($1) } }
            }
            object.member("inputs") { $0.write(node.inputs) }
            if !node.controlDependencies.isEmpty {
                object.member("control_deps") { $0.write(node.controlDependencies) }
            }
            if !node.subgraphs.isEmpty {
                object.member("subgraphs") { $0.array(node.subgraphs, multiline: true) { $0.write($1) } }
            }
        }
    }

    /// Sorted by the keys' bytes, as a `std::map` is.
    private mutating func write<Value>(
        _ attributes: OrderedDictionary<String, Value>, _ value: (inout JSONWriter, Value) -> Void
    ) {
        object(multiline: attributes.count > 1) { object in
            for (key, item) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                object.member(key) { value(&$0, item) }
            }
        }
    }

    private mutating func write(_ entries: [MXNetSymbol.Entry]) {
        array(entries, multiline: entries.count > 10) { writer, entry in
            writer.array([entry.node, entry.output, entry.version], multiline: false) { $0.raw("\($1)") }
        }
    }

    private mutating func write(_ numbers: [Int]) {
        array(numbers, multiline: numbers.count > 10) { $0.raw("\($1)") }
    }

    private mutating func write(_ attribute: MXNetSymbol.GraphAttribute) {
        switch attribute {
        case .integer(let value): raw("[\"int\", \(value)]")
        case .text(let value):
            raw("[\"str\", ")
            string(value)
            raw("]")
        case .other(let type, let json):
            raw("[")
            string(type)
            raw(", \(json)]")
        }
    }
}
