import OrderedCollections
import TensorCore

/// A symbol file of MXNet (`*-symbol.json`), as it is written: nnvm's SaveJSON (3rdparty/tvm/nnvm/src/pass/saveload_json.cc).
public struct MXNetSymbol: Sendable, Equatable {
    public struct Node: Sendable, Equatable {
        /// `null` is a variable.
        public var op: String
        public var name: String
        /// Called `attrs` since 1.0, `attr` and `param` before.
        public var attributes: OrderedDictionary<String, String>
        public var inputs: [Entry]
        public var subgraphs: [MXNetSymbol]

        public init(
            op: String, name: String, attributes: OrderedDictionary<String, String> = [:], inputs: [Entry] = [],
            subgraphs: [MXNetSymbol] = []
        ) {
            self.op = op
            self.name = name
            self.attributes = attributes
            self.inputs = inputs
            self.subgraphs = subgraphs
        }

        public var isVariable: Bool { op == "null" }
    }

    /// Output `output` of node `node`. The version counts how often the variable was changed before; auxiliary states
    /// of an operator have 1.
    public struct Entry: Sendable, Hashable {
        public var node: Int
        public var output: Int
        public var version: Int

        public init(node: Int, output: Int, version: Int = 0) {
            self.node = node
            self.output = output
            self.version = version
        }
    }

    public var nodes: [Node]
    /// The variables.
    public var argumentNodes: [Int]
    /// For each node the number of outputs of all nodes before it, and the number of all outputs at the end; empty in
    /// files of 0.8.
    public var nodeRowPointer: [Int]
    public var heads: [Entry]
    /// `mxnet_version`: 10901 is 1.9.1. Nil in subgraphs and in files of 0.8.
    public var version: Int?
    /// Other attributes of the whole symbol, such as `is_np_shape`.
    public var flags: OrderedDictionary<String, Int>

    public init(
        nodes: [Node], argumentNodes: [Int], nodeRowPointer: [Int], heads: [Entry], version: Int? = nil,
        flags: OrderedDictionary<String, Int> = [:]
    ) {
        self.nodes = nodes
        self.argumentNodes = argumentNodes
        self.nodeRowPointer = nodeRowPointer
        self.heads = heads
        self.version = version
        self.flags = flags
    }

    /// How many outputs a node has, hidden ones included; nil if the file does not say.
    public func outputCount(of node: Int) -> Int? {
        guard nodeRowPointer.count == nodes.count + 1 else { return nil }
        return nodeRowPointer[node + 1] - nodeRowPointer[node]
    }
}
