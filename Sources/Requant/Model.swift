import Foundation
import GraphIR
import MXNetFormat
import ONNXFormat
import Operators
import TensorCore
import Translation

/// A model in memory, whatever file it came from.
public struct Model: Sendable {
    /// Values and the nodes that compute them.
    public var graph: Graph
    /// What reading it noticed: missing parameters, unknown operators.
    public var report: TranslationReport
    /// What MXNet changes in a symbol of an older version when it loads it; a sentence for each change.
    public var upgrades: [String] = []
    /// Nodes whose operators refuse them: the model can be inspected, drawn and written back, but not run.
    public var refusals: [NodeRefusal] = []
    /// Why an input cannot be given, if that is so.
    var inputProblem: ModelError?
    /// The ONNX file itself: what is computed while it is read depends on the shapes of its inputs.
    var source: ONNXModel?

    /// A model that does not come from a file.
    public init(graph: Graph, report: TranslationReport = TranslationReport()) {
        self.graph = graph
        self.report = report
    }

    /// Reads a model. Its weights stay in the mapped file.
    /// - Parameters:
    ///   - path: `PREFIX-symbol.json`, `PREFIX` or `FILE.onnx`.
    ///   - epoch: Which `PREFIX-NNNN.params` to take; by default the newest.
    ///   - parameters: A `.params` or `.npz` file of any name instead.
    ///   - shapes: Shapes of inputs that the file does not give.
    /// - Throws: `ModelError` for files that cannot be read, and for inputs that do not exist.
    public static func load(
        _ path: String, epoch: Int? = nil, parameters: String? = nil, shapes: [String: Shape] = [:]
    ) throws -> Model {
        let name = modelName(path)
        var model: Model
        if path.hasSuffix(".onnx") {
            let file = try ModelReader.read(path)
            model = try locating(path) { try Model(file, name: name, shapes: shapes) }
        } else {
            let paths = try CheckpointPaths(reading: path, epoch: epoch, parameters: parameters)
            var checkpoint = try MXNetCheckpoint(paths)
            let version = checkpoint.symbol.version
            let upgrade = LegacyUpgrade.upgrade(checkpoint.symbol)
            checkpoint.symbol = upgrade.symbol
            let (graph, report) = try locating(paths.symbol) { try MXNetImporter().graph(of: checkpoint, name: name) }
            model = Model(graph: graph, report: report)
            model.graph.metadata["mxnet_version"] = version.map(String.init)
            model.upgrades = upgrade.changes
        }
        model.refusals = model.report.refusals
        if shapes.isEmpty {
            model.refusals += try TypeInference().annotateWherePossible(&model.graph)
        } else {
            // Maybe it is these shapes that do not fit.
            try model.annotate(shapes: shapes)
        }
        return model
    }

    /// Finds the types of all values.
    public mutating func annotate(shapes: [String: Shape] = [:]) throws {
        try TypeInference().annotate(&graph, shapes: shapes)
    }

    /// Writes the model as an MXNet checkpoint; returns the paths of the symbol and of the parameters.
    @discardableResult
    public func saveCheckpoint(to path: String) throws -> CheckpointPaths {
        let paths = CheckpointPaths(writing: path)
        try MXNetExporter().checkpoint(of: graph).write(to: paths)
        return paths
    }

    /// Nodes that the outputs need.
    public var nodeCount: Int { graph.topologicalOrder().count }

    /// What has to be given to run the model, in order.
    public var inputNames: [String] {
        let labels = OperatorTable.standard.labels(of: graph)
        return graph.inputs.filter { !labels.contains($0) }.map { graph[$0] }.filter { !isParameter($0) }.map(\.name)
    }

    /// The shapes of the inputs that have one, by name.
    public var inputShapes: [String: Shape] {
        Dictionary(graph.inputs.compactMap { id in graph[id].type?.shape.map { (graph[id].name, $0) } }) { first, _ in
            first
        }
    }

    /// Variables that an operator has as parameters, but that no file gives.
    public var missingParameters: [String] {
        let unbound = graph.inputs.map { graph[$0] }.filter(isParameter).map(\.name)
        return unbound + report.missing.filter { !unbound.contains($0) }
    }

    /// Refuses a model that cannot be computed with, and says everything that is wrong: operators that are not known,
    /// parameters that are missing or not what the operators need.
    public func requireComplete() throws {
        let refused = Set(refusals.map(\.node))
        let unknown = graph.topologicalOrder().map { graph[$0] }.filter {
            OperatorTable.standard[$0.op] == nil && !refused.contains($0.name)
        }
        guard unknown.isEmpty else {
            let kinds = Dictionary(grouping: unknown, by: \.op).sorted { $0.key < $1.key }.map { op, nodes in
                "\(op) ('\(nodes[0].name)'\(nodes.count > 1 ? " and \(nodes.count - 1) more" : ""))"
            }
            // Of an operator that is known, why this node could not be read.
            let reasons = report.losses.filter { loss in unknown.contains { loss.hasPrefix("'\($0.name)' (") } }
            throw ModelError(
                (["has operators that are not known: \(kinds.joined(separator: ", "))"] + reasons.prefix(5))
                    .joined(separator: "; "), at: graph.name,
                advice: "'requant operators' lists those that are")
        }
        try requireFittingParameters(missing: missingParameters)
        if let inputProblem { throw inputProblem }
        guard let first = refusals.first else { return }
        guard refusals.count > 1 else { throw first.error }
        throw ModelError(
            "\(refusals.count) nodes cannot be computed: "
                + refusals.prefix(5).map { "\($0.error)" }.joined(separator: " "),
            at: graph.name, advice: "'requant inspect' tells what can be done")
    }

    /// Refuses parameters that are not what the operators need.
    func requireFittingParameters(missing: [String] = []) throws {
        var report = report
        report.missing = missing
        report.mismatched += ParameterCheck.problems(of: graph)
        try locating(graph.name) { try report.requireComplete() }
    }

    /// ONNX says itself what has to be given.
    private func isParameter(_ variable: Value) -> Bool {
        if graph.metadata["format"] == "ONNX" { return false }
        return variable.uses.contains { use in
            let node = graph[use.node]
            guard let form = OperatorTable.standard[node.op]?.mxnet else {
                // An operator that is not known: MXNet calls the variables that it makes for one after it.
                return MXNetVariables.parameters.contains { variable.name == "\(node.name)_\($0)" }
            }
            return form.parameterInputs(node).contains(use.index)
        }
    }

    /// Inputs that are only there to train with.
    public var labelNames: [String] {
        let labels = OperatorTable.standard.labels(of: graph)
        return graph.inputs.filter(labels.contains).map { graph[$0].name }
    }

    /// Writes the model; what `path` ends in decides the format.
    @discardableResult
    public func save(to path: String) throws -> ConversionResult {
        path.hasSuffix(".onnx") ? try saveONNX(to: path) : try saveMXNet(to: path)
    }

    /// The name without folder and ending: `resnet18` of `models/resnet18-symbol.json`.
    static func modelName(_ path: String) -> String {
        let name = path.fileName
        for ending in [CheckpointPaths.symbolSuffix, ".onnx"] where name.hasSuffix(ending) {
            return String(name.dropLast(ending.count))
        }
        return name
    }
}

/// What MXNet's old operators call their variables.
private enum MXNetVariables {
    static let parameters = [
        "weight", "bias", "gamma", "beta", "moving_mean", "moving_var", "running_mean", "running_var", "parameters",
    ]
}
