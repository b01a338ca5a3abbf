import Operators
import TensorCore

/// What a translation noticed: what it could not keep, and what does not fit in the files.
public struct TranslationReport: Sendable, Equatable {
    /// What the other format cannot hold, or holds otherwise. Empty if nothing was lost.
    public var losses: [String] = []
    /// Variables that operators need as parameters, but that the parameters lack.
    public var missing: [String] = []
    /// Parameters that the graph does not use.
    public var superfluous: [String] = []
    /// Parameters whose shape is not what the symbol says.
    public var mismatched: [String] = []
    /// Parameters whose element type is not what the symbol says. MXNet converts them when it binds the symbol.
    public var mistyped: [String] = []
    /// Nodes of known operators in a form that those cannot read; they are kept like unknown ones.
    public internal(set) var refusals: [NodeRefusal] = []
    /// Operators that the table lacks, each with its nodes.
    public private(set) var unknownOperators: [(op: String, nodes: [String])] = []
    /// Where each of them is.
    private var unknownIndices: [String: Int] = [:]

    /// Nothing to report.
    public init() {}

    /// Whether both say the same.
    public static func == (a: TranslationReport, b: TranslationReport) -> Bool {
        a.losses == b.losses && a.missing == b.missing && a.superfluous == b.superfluous
            && a.mismatched == b.mismatched && a.mistyped == b.mistyped
            && a.refusals == b.refusals && a.unknownOperators.map(\.op) == b.unknownOperators.map(\.op)
    }

    /// Refuses a model whose parts do not fit each other, with everything that is wrong.
    public func requireComplete() throws {
        var problems: [String] = []
        if !missing.isEmpty { problems.append("the parameters lack \(Self.list(missing))") }
        problems += mismatched
        guard !problems.isEmpty else { return }
        throw ModelError(
            problems.joined(separator: "; "),
            advice: "check that the .params file belongs to this symbol, or choose another with --params")
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
    }

    mutating func addUnknown(_ op: String, node: String) {
        if let index = unknownIndices[op] {
            unknownOperators[index].nodes.append(node)
        } else {
            unknownIndices[op] = unknownOperators.count
            unknownOperators.append((op, [node]))
        }
    }
}
