import OrderedCollections

/// What an MXNet symbol file (`PREFIX-symbol.json`) holds: nodes in topological order, and which of their outputs are
/// the graph's.
///
/// A faithful model: nothing is interpreted, so that what was read can be written back byte for byte.
/// Source: nnvm's SaveJSON (3rdparty/tvm/nnvm/src/pass/saveload_json.cc of MXNet 1.9.1).
public struct MXNetSymbol: Sendable, Equatable {
    /// Each node's inputs are outputs of nodes before it.
    public var nodes: [Node]
    /// The indices of the variables, in order.
    public var argumentNodes: [Int]
    /// Output `k` of node `n` is value `nodeRowPointer[n] + k` of the graph, hidden outputs included; one more element
    /// than there are nodes. Empty where the file has none (0.8.0) or one that does not fit; MXNet ignores it.
    public var nodeRowPointer: [Int]
    /// The graph's outputs.
    public var heads: [Entry]
    /// What is said of the graph as a whole; subgraphs have nothing here.
    public var attributes: OrderedDictionary<String, GraphAttribute>

    public init(
        nodes: [Node], argumentNodes: [Int]? = nil, nodeRowPointer: [Int] = [], heads: [Entry], version: Int? = nil,
        attributes: OrderedDictionary<String, GraphAttribute> = [:]
    ) {
        self.nodes = nodes
        self.argumentNodes = argumentNodes ?? nodes.indices.filter { nodes[$0].isVariable }
        self.nodeRowPointer = nodeRowPointer
        self.heads = heads
        self.attributes = attributes
        if let version { self.version = version }
    }

    /// How many outputs a node has, hidden ones included; nil if the file does not say.
    public func outputCount(of node: Int) -> Int? {
        guard nodeRowPointer.count == nodes.count + 1 else { return nil }
        return nodeRowPointer[node + 1] - nodeRowPointer[node]
    }

    /// The MXNet that wrote the file, as 10000·major + 100·minor + patch; nil where it does not say, as in 0.8.0.
    public var version: Int? {
        get {
            if case .integer(let version) = attributes["mxnet_version"] { version } else { nil }
        }
        set { attributes["mxnet_version"] = newValue.map { .integer($0) } }
    }

    /// Whether shapes are NumPy's: an empty one is a scalar and an extent of 0 means no elements, instead of "unknown".
    public var usesNumPyShapes: Bool { attributes["is_np_shape"] == .integer(1) }

    /// An output of a node.
    public struct Entry: Sendable, Hashable {
        /// The number of the node.
        public var node: Int
        /// Which of its outputs.
        public var output: Int
        /// How often the value was overwritten before this use; 1 for the auxiliary states that an operator changes.
        public var version: Int

        /// An output of a node.
        public init(node: Int, output: Int = 0, version: Int = 0) {
            self.node = node
            self.output = output
            self.version = version
        }
    }

    /// An operator, or a variable: an input or a parameter of the graph.
    public struct Node: Sendable, Equatable {
        /// The operator's registered name; `null` for a variable.
        public var op: String
        public var name: String
        /// The parameters of the operator as text, and hidden keys such as `__shape__`.
        public var attributes: OrderedDictionary<String, String>
        /// In the order of its operator.
        public var inputs: [Entry]
        /// Nodes that must run before this one although it does not use their outputs.
        public var controlDependencies: [Int]
        /// The bodies of a control-flow operator, or the nodes that a fused operator swallowed.
        public var subgraphs: [MXNetSymbol]

        public init(
            op: String, name: String, attributes: OrderedDictionary<String, String> = [:], inputs: [Entry] = [],
            controlDependencies: [Int] = [], subgraphs: [MXNetSymbol] = []
        ) {
            self.op = op
            self.name = name
            self.attributes = attributes
            self.inputs = inputs
            self.controlDependencies = controlDependencies
            self.subgraphs = subgraphs
        }

        /// Whether it is an input or a parameter.
        public var isVariable: Bool { op == "null" }
    }

    /// A value of the graph's `attrs`, stored as `["int", 10901]`.
    public enum GraphAttribute: Sendable, Hashable {
        case integer(Int)
        case text(String)
        /// A type that MXNet does not write, kept as the JSON that it was.
        case other(type: String, json: String)
    }
}
