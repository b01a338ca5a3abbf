import OrderedCollections
import TensorCore

/// Reads `PREFIX-symbol.json` as every MXNet from 0.8.0 to 2.0 wrote it:
///
///     { "nodes": [{ "op", "name", "attrs"?, "inputs": [[node, output, version?]…], "subgraphs"?: […] }…],
///       "arg_nodes": […], "node_row_ptr"?: […], "heads": [[node, output, version?]…],
///       "attrs"?: { "mxnet_version": ["int", 10901] } }
///
/// A node's `attrs` is called `attr` until 0.11; 0.8 has the operator's parameters in `param` and the rest in `attr`.
/// Unknown keys are passed over. See `LegacyUpgrade` for what else old files need.
public enum SymbolReader {
    /// - Throws: `ModelError` naming the byte, or the node, where the file is not what it should be.
    public static func read(_ path: String) throws -> MXNetSymbol {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) { try decode(storage) }
    }

    /// Reads the text of a symbol.
    /// - Throws: `ModelError` that names line and column.
    public static func decode(_ text: String) throws -> MXNetSymbol {
        let bytes = Array(text.utf8)
        return try decode(TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) })
    }

    /// The symbol whose UTF-8 text these bytes are.
    public static func decode(_ storage: TensorStorage) throws -> MXNetSymbol {
        try refuseOtherKinds(storage)
        var parser = JSONParser(storage)
        let symbol = try parser.symbol()
        try parser.end()
        return symbol
    }

    private static func refuseOtherKinds(_ storage: TensorStorage) throws {
        guard !storage.bytes.isEmpty else { throw ModelError("the file is empty") }
        guard !ParametersReader.recognizes(storage) else {
            throw ModelError(
                "this is a .params file, with arrays; a symbol was expected",
                advice: "name the -symbol.json file, or the prefix of both")
        }
    }
}

extension JSONParser {
    fileprivate mutating func symbol() throws -> MXNetSymbol {
        var symbol = MXNetSymbol(nodes: [], heads: [])
        var argumentNodes: [Int]?
        var hasNodes = false, hasHeads = false
        try object("a symbol") { parser, key in
            switch key {
            case "nodes":
                hasNodes = true
                try parser.array("nodes") { parser in
                    let node = try locating("node \(symbol.nodes.count)") { try parser.node() }
                    symbol.nodes.append(node)
                }
            case "arg_nodes": argumentNodes = try parser.integers("arg_nodes")
            case "node_row_ptr": symbol.nodeRowPointer = try parser.integers("node_row_ptr")
            case "heads":
                hasHeads = true
                symbol.heads = try parser.entries("heads")
            case "attrs":
                try parser.object("attrs") { parser, key in
                    symbol.attributes[key] = try locating("attribute '\(key)'") { try parser.graphAttribute() }
                }
            default: try parser.raw()
            }
        }
        guard hasNodes else {
            throw ModelError("there are no nodes", advice: "this does not look like an MXNet symbol")
        }
        guard hasHeads else {
            throw ModelError("there are no heads, which say what the outputs are", advice: "the file looks damaged")
        }
        symbol.argumentNodes = argumentNodes ?? symbol.nodes.indices.filter { symbol.nodes[$0].isVariable }
        try symbol.check()
        return symbol
    }

    private mutating func node() throws -> MXNetSymbol.Node {
        var op: String?, name: String?
        var node = MXNetSymbol.Node(op: "", name: "")
        try object("a node") { parser, key in
            switch key {
            case "op": op = try parser.string("op")
            case "name": name = try parser.string("name")
            case "attrs", "attr", "param":
                try parser.object(key) { parser, key in
                    node.attributes[key] = try parser.scalar("attribute '\(key)'")
                }
            case "inputs": node.inputs = try parser.entries("inputs")
            case "control_deps": node.controlDependencies = try parser.integers("control_deps")
            case "subgraphs":
                try parser.array("subgraphs") { node.subgraphs.append(try $0.symbol()) }
            default: try parser.raw()
            }
        }
        guard let op, let name else { throw ModelError("\(op == nil ? "op" : "name") is missing") }
        node.op = op
        node.name = name
        return node
    }

    /// `[[node, output, version], …]`, or without the versions.
    private mutating func entries(_ what: String) throws -> [MXNetSymbol.Entry] {
        var entries: [MXNetSymbol.Entry] = []
        try array(what) { parser in
            let start = parser.position
            let numbers = try parser.integers("an entry of \(what)")
            guard numbers.count == 2 || numbers.count == 3 else {
                throw ModelError(
                    "an entry of \(what) has \(numbers.count) numbers; node, output and version were expected",
                    at: "byte \(start)")
            }
            entries.append(.init(node: numbers[0], output: numbers[1], version: numbers.count == 3 ? numbers[2] : 0))
        }
        return entries
    }

    private mutating func integers(_ what: String) throws -> [Int] {
        var numbers: [Int] = []
        try array(what) { numbers.append(try $0.integer("an element of \(what)")) }
        return numbers
    }

    /// `["int", 10901]`.
    private mutating func graphAttribute() throws -> MXNetSymbol.GraphAttribute {
        var type: String?
        var value: MXNetSymbol.GraphAttribute?
        try array("the value") { parser in
            guard let type else {
                type = try parser.string("the type")
                return
            }
            guard value == nil else { throw ModelError("more than a type and a value", at: "byte \(parser.position)") }
            switch type {
            case "int": value = .integer(try parser.integer("the value"))
            case "str": value = .text(try parser.string("the value"))
            default: value = .other(type: type, json: try parser.raw())
            }
        }
        guard let value else { throw ModelError("a type and a value were expected", at: "byte \(position)") }
        return value
    }
}

// MARK: - Checks

extension MXNetSymbol {
    /// Forgets a row pointer that is wrong; makes sure that every index points at a node and an output of it, and that
    /// inputs point at earlier nodes.
    fileprivate mutating func check() throws {
        if !hasSoundRowPointer { nodeRowPointer = [] }
        for (index, node) in nodes.enumerated() {
            for entry in node.inputs + node.controlDependencies.map({ Entry(node: $0) }) {
                try locating("node '\(node.name)' (\(node.isVariable ? "variable" : node.op))") {
                    try check(entry, of: "an input")
                    guard entry.node < index else {
                        let other = entry.node == index ? "itself" : "the later node '\(nodes[entry.node].name)'"
                        throw ModelError(
                            "an input is \(other)", advice: "nodes must follow what they use, so there may be a cycle")
                    }
                }
            }
        }
        for head in heads { try check(head, of: "a head") }
        try checkOutputs()
        for index in argumentNodes {
            try check(Entry(node: index), of: "an element of arg_nodes")
            guard nodes[index].isVariable else {
                throw ModelError(
                    "arg_nodes has node '\(nodes[index].name)', which is no variable but \(nodes[index].op)")
            }
        }
    }

    /// Those who translate a symbol make a value for each output, so that a file must not claim any number of them.
    private static let outputLimit = 1 << 12

    /// What all nodes together may have; in real networks there are hardly more than two a node.
    private var totalOutputLimit: Int { Self.outputLimit + 16 * nodes.count }

    /// Makes sure that there are not too many outputs where only their uses tell how many there are.
    private func checkOutputs() throws {
        var used = [Int](repeating: 0, count: nodes.count)
        for entry in nodes.lazy.flatMap(\.inputs) { used[entry.node] = max(used[entry.node], entry.output + 1) }
        for entry in heads { used[entry.node] = max(used[entry.node], entry.output + 1) }
        let total = used.reduce(0, +)
        guard total <= totalOutputLimit else {
            throw ModelError(
                "\(total) outputs of \(nodes.count) nodes are said to be used", advice: "the file looks damaged")
        }
    }

    private var hasSoundRowPointer: Bool {
        nodeRowPointer.count == nodes.count + 1 && nodeRowPointer[0] == 0
            && nodeRowPointer[nodes.count] <= totalOutputLimit
            && zip(nodeRowPointer, nodeRowPointer.dropFirst()).allSatisfy { $0 <= $1 }
    }

    private func check(_ entry: Entry, of what: String) throws {
        guard nodes.indices.contains(entry.node) else {
            throw ModelError("\(what) is node \(entry.node), but there are \(nodes.count)")
        }
        let outputs = min(outputCount(of: entry.node) ?? Self.outputLimit, Self.outputLimit)
        guard (0..<outputs).contains(entry.output), entry.version >= 0 else {
            throw ModelError(
                "\(what) is output \(entry.output), version \(entry.version) of node \(entry.node)",
                advice: "outputs go from 0 to \(outputs - 1), versions from 0")
        }
    }
}
