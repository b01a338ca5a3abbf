import OrderedCollections
import TensorCore

/// Reads symbol files of MXNet 0.8 to 2.0, whatever they call their keys.
public enum SymbolReader {
    /// - Throws: `ModelError` that names the file and the byte or the node.
    public static func read(_ path: String) throws -> MXNetSymbol {
        let storage = try TensorStorage(mapping: path)
        return try locating(path) { try decode(storage) }
    }

    public static func decode(_ storage: TensorStorage) throws -> MXNetSymbol {
        guard !storage.bytes.isEmpty else { throw ModelError("the file is empty") }
        guard storage.bytes.first(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }) == UInt8(ascii: "{") else {
            throw ModelError(
                "is not a symbol: it does not begin with '{'",
                advice: storage.bytes.starts(with: [0x12, 1]) ? "it looks like a .params file" : nil)
        }
        return try symbol(JSONReader.read(storage))
    }

    private static func symbol(_ json: JSONValue) throws -> MXNetSymbol {
        guard case .array(let nodes)? = json["nodes"] else {
            throw ModelError("is not a symbol: it has no list 'nodes'")
        }
        var symbol = MXNetSymbol(
            nodes: [], argumentNodes: try integers(json["arg_nodes"], "arg_nodes"),
            nodeRowPointer: try integers(json["node_row_ptr"], "node_row_ptr"), heads: [])
        symbol.nodes.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() {
            symbol.nodes.append(try locating("node \(index)") { try self.node(node, index: index) })
        }
        symbol.heads = try entries(json["heads"], "heads")
        for head in symbol.heads where !symbol.nodes.indices.contains(head.node) {
            throw ModelError("head \(head.node) is not a node", advice: "there are \(nodes.count)")
        }
        for argument in symbol.argumentNodes where !symbol.nodes.indices.contains(argument) {
            throw ModelError("arg_nodes names node \(argument), which does not exist", advice: "there are \(nodes.count)")
        }
        try checkRowPointer(symbol)
        try readFlags(json["attrs"], into: &symbol)
        return symbol
    }

    private static func node(_ json: JSONValue, index: Int) throws -> MXNetSymbol.Node {
        guard case .string(let op)? = json["op"], case .string(let name)? = json["name"] else {
            throw ModelError("has no 'op' or no 'name'")
        }
        return try locating("'\(name)' (\(op))") {
            var attributes: OrderedDictionary<String, String> = [:]
            for key in ["param", "attr", "attrs"] {
                guard case .object(let members)? = json[key] else { continue }
                for (key, value) in members {
                    guard case .string(let text) = value else {
                        throw ModelError("attribute \(key) is \(value.kind), where a text is expected")
                    }
                    attributes[key] = text
                }
            }
            let inputs = try entries(json["inputs"], "inputs")
            for input in inputs where input.node >= index || input.node < 0 || input.output < 0 {
                throw ModelError(
                    "its input is node \(input.node), which does not come before it",
                    advice: "the symbol has a cycle, or its nodes are out of order")
            }
            var subgraphs: [MXNetSymbol] = []
            if case .array(let list)? = json["subgraphs"] { subgraphs = try list.map { try symbol($0) } }
            return MXNetSymbol.Node(op: op, name: name, attributes: attributes, inputs: inputs, subgraphs: subgraphs)
        }
    }

    private static func entries(_ json: JSONValue?, _ what: String) throws -> [MXNetSymbol.Entry] {
        guard case .array(let list)? = json else { return [] }
        return try list.map { element in
            let numbers = try integers(element, what)
            guard numbers.count == 2 || numbers.count == 3 else {
                throw ModelError("\(what) has an entry of \(numbers.count) numbers, where 2 or 3 are expected")
            }
            return MXNetSymbol.Entry(
                node: numbers[0], output: numbers[1], version: numbers.count == 3 ? numbers[2] : 0)
        }
    }

    private static func integers(_ json: JSONValue?, _ what: String) throws -> [Int] {
        guard let json else { return [] }
        guard case .array(let list) = json else { throw ModelError("\(what) is \(json.kind), where a list is expected") }
        return try list.map { element in
            guard case .number(let number) = element, let integer = Int(exactly: number) else {
                throw ModelError("\(what) has \(element.kind) in it, where a whole number is expected")
            }
            return integer
        }
    }

    private static func checkRowPointer(_ symbol: MXNetSymbol) throws {
        let pointer = symbol.nodeRowPointer
        guard !pointer.isEmpty else { return }
        let limit = 1 << 20
        guard pointer.count == symbol.nodes.count + 1, pointer[0] == 0,
            zip(pointer, pointer.dropFirst()).allSatisfy({ $0 <= $1 && $1 - $0 < limit })
        else { throw ModelError("node_row_ptr does not fit the \(symbol.nodes.count) nodes") }
    }

    /// `{"mxnet_version": ["int", 10901], "is_np_shape": ["int", 1]}`
    private static func readFlags(_ json: JSONValue?, into symbol: inout MXNetSymbol) throws {
        guard case .object(let members)? = json else { return }
        for (key, value) in members {
            guard case .array(let pair) = value, pair.count == 2, case .number(let number) = pair[1],
                let integer = Int(exactly: number)
            else { continue }
            if key == "mxnet_version" { symbol.version = integer } else { symbol.flags[key] = integer }
        }
    }
}
