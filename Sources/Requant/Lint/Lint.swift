import GraphIR
import TensorCore

/// A trap in a quantized checkpoint: what MXNet computes of it is not what its maker meant, or not as fast.
public struct Trap: Sendable, Codable, Equatable {
    /// How much a trap matters.
    public enum Severity: String, Sendable, Codable, CaseIterable {
        /// MXNet refuses to run it, or what it computes is wrong.
        case wrong
        /// It costs accuracy or time.
        case costly
        /// It is as MXNet does it; worth knowing.
        case note
    }

    /// The rule that found it: `range-rounded-to-zero`.
    public var rule: String
    /// How much it matters.
    public var severity: Severity
    /// The nodes that have it.
    public var nodes: [String]
    /// What was found, in a few words.
    public var problem: String
    /// Why it matters.
    public var reason: String
    /// What to do about it.
    public var advice: String
}

/// One kind of trap.
struct LintRule: Sendable {
    var name: String
    var severity: Trap.Severity
    /// What it looks for.
    var problem: String
    /// Why it matters, with MXNet's file.
    var reason: String
    /// What to do about it.
    var advice: String
    /// Whether a node has it. It may look at the parameters' elements, if there is no other way.
    var isTrap: @Sendable (Node, Graph) -> Bool

    static let all = rangeRules + arithmeticRules + weightRules
}

extension Model {
    /// The traps of a model that MXNet quantized. A float model, and ONNX's QDQ form, have none of them.
    public var traps: [Trap] {
        guard graph.metadata["format"] != "ONNX", isQuantized else { return [] }
        let nodes = graph.topologicalOrder().map { graph[$0] }
        return LintRule.all.compactMap { rule in
            let found = nodes.filter { rule.isTrap($0, graph) }.map(\.name)
            guard !found.isEmpty else { return nil }
            return Trap(
                rule: rule.name, severity: rule.severity, nodes: found, problem: rule.problem, reason: rule.reason,
                advice: rule.advice)
        }
    }
}

extension Graph {
    /// The types of a node's inputs, where they are known.
    func inputTypes(_ node: Node) -> [ValueType] { node.inputs.compactMap { $0.flatMap { self[$0].type } } }

    /// The stored tensor of an input.
    func parameter(_ node: Node, _ input: Int) -> Tensor? {
        guard node.inputs.indices.contains(input), let value = node.inputs[input] else { return nil }
        return self[value].tensor
    }

    func resultType(_ node: Node) -> ValueType? { node.outputs.first.flatMap { self[$0].type } }

    /// Whether its data are codes.
    func worksOnCodes(_ node: Node) -> Bool { inputTypes(node).first?.isQuantized ?? false }
}
