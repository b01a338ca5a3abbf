import OrderedCollections
import TensorCore

/// What a pass wants changed: new nodes and parameters, what they replace, and what goes. Nothing changes until a graph
/// applies it, so that a pass can be dropped halfway and a runner can count, verify and stop (after sonos/tract).
public struct GraphPatch: Sendable {
    /// What the patch does, for people: `conv0 + bn0 + relu0 → sg_mkldnn_conv_bn_act_0`.
    public var summary: String
    private let firstNewValue: Int
    private var newValues = 0
    private var additions: [Addition] = []
    private var replacements: [(old: ValueID, new: ValueID)] = []
    private var inputChanges: [(node: NodeID, index: Int, new: ValueID)] = []
    private var updates: [(node: NodeID, change: @Sendable (inout Node) -> Void)] = []
    private var removals: [NodeID] = []

    private enum Addition: Sendable {
        case node(NodeDraft)
        case parameter(String, Tensor, Quantization?, Attributes)
    }

    /// A patch for `graph` as it is now.
    public init(for graph: Graph, _ summary: String) {
        self.summary = summary
        self.firstNewValue = graph.valueLimit
    }

    /// Adds a node; returns the values that it will compute.
    public mutating func add(_ draft: NodeDraft) -> [ValueID] {
        additions.append(.node(draft))
        return draft.outputNames.map { _ in reserveValue() }
    }

    /// Adds a value whose elements are known, when the patch is applied.
    public mutating func addParameter(
        _ name: String, _ tensor: Tensor, quantization: Quantization? = nil, attributes: Attributes = [:]
    ) -> ValueID {
        additions.append(.parameter(name, tensor, quantization, attributes))
        return reserveValue()
    }

    /// Lets everything that uses `old`, the outputs of the graph included, use `new`.
    public mutating func replace(_ old: ValueID, with new: ValueID) { replacements.append((old, new)) }

    /// Lets one input of a node be `new`; a parameter that only it used goes.
    public mutating func setInput(_ index: Int, of node: NodeID, to new: ValueID) {
        inputChanges.append((node, index, new))
    }

    /// Changes a node's name, attributes, bodies or origins.
    public mutating func update(_ node: NodeID, _ change: @escaping @Sendable (inout Node) -> Void) {
        updates.append((node, change))
    }

    /// Removes a node, and the parameters that only it used; nothing may use its outputs any more.
    public mutating func remove(_ node: NodeID) { removals.append(node) }

    /// Whether the patch removes a node.
    public func removes(_ node: NodeID) -> Bool { removals.contains(node) }

    private mutating func reserveValue() -> ValueID {
        defer { newValues += 1 }
        return ValueID(index: firstNewValue + newValues)
    }

    /// Changes `graph`; returns the nodes that were added or changed.
    fileprivate func apply(to graph: inout Graph) -> [NodeID] {
        precondition(graph.valueLimit == firstNewValue, "the graph changed after the patch was begun")
        var touched: [NodeID] = []
        for addition in additions {
            switch addition {
            case .node(let draft): touched.append(graph.add(draft))
            case .parameter(let name, let tensor, let quantization, let attributes):
                graph.addParameter(name, tensor, quantization: quantization, attributes: attributes)
            }
        }
        let added = Set(touched)
        for (old, new) in replacements {
            // The new nodes themselves may use the old value.
            for use in graph[old].uses where !added.contains(use.node) {
                graph.setInput(use.index, of: use.node, to: new)
                touched.append(use.node)
            }
            graph.outputs = graph.outputs.map { $0 == old ? new : $0 }
        }
        for (node, index, new) in inputChanges {
            let old = graph[node].inputs[index]
            graph.setInput(index, of: node, to: new)
            graph.removeUnusedVariables([old].compactMap { $0 }.filter { graph[$0].tensor != nil })
            touched.append(node)
        }
        for (node, change) in updates {
            graph.update(node, change)
            touched.append(node)
        }
        // Whoever still uses a removed node is looked at by the verifier, too.
        for node in removals {
            touched += graph.consumers(of: graph[node]).map(\.id)
            graph.remove(node)
        }
        return touched.filter(graph.contains)
    }
}

extension Graph {
    /// Applies a patch that was begun on this very graph; returns the nodes that were added or changed.
    public mutating func apply(_ patch: GraphPatch) -> [NodeID] { patch.apply(to: &self) }
}
