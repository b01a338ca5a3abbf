import GraphIR
import Kernels
import ONNXFormat
import Operators
import TensorCore

/// ONNX → graph. Everything is kept: a node that no operator of the table can read keeps ONNX's name for it.
///
/// What only constants and known shapes decide is computed while reading: the shape arithmetic around a Reshape, the
/// branch that an If takes, the trips of a Loop. With every input bound to a value, that is the whole model, and so
/// models run whose shapes depend on their data.
public struct ONNXImporter {
    /// Computes a program without inputs.
    public typealias Evaluation = @Sendable (KernelProgram) throws -> [Tensor]

    private let table: OperatorTable
    private let evaluate: Evaluation

    /// Operators are looked up in `table`.
    public init(
        table: OperatorTable = .standard,
        evaluate: @escaping Evaluation = { try ReferenceExecutor($0).run([]) }
    ) {
        self.table = table
        self.evaluate = evaluate
    }

    /// - Parameters:
    ///   - model: the file.
    ///   - name: what the graph is called.
    ///   - shapes: of inputs whose shape the file leaves open.
    ///   - values: inputs that are constants from now on.
    /// - Throws: `ModelError` for a node that uses what nothing computes.
    public func graph(
        of model: ONNXModel, name: String, shapes: [String: Shape] = [:], values: [String: Tensor] = [:]
    ) throws -> (graph: Graph, report: TranslationReport) {
        let evaluation = NodeEvaluation(
            table: table, evaluate: evaluate, foldsQuantization: !values.isEmpty || model.graph.inputs.isEmpty)
        var translation = ONNXTranslation(model, name: name, table: table, evaluation: evaluation)
        try translation.run(model.graph, shapes: shapes, values: values)
        translation.graph.describe(model)
        return (translation.graph, translation.report)
    }
}

extension Graph {
    /// What the file says of itself.
    fileprivate mutating func describe(_ model: ONNXModel) {
        for property in model.metadata { metadata[property.key] = property.value }
        metadata["format"] = "ONNX"
        metadata["ir_version"] = String(model.irVersion)
        for opset in model.opsetImports { metadata["opset \(opset.domain)"] = String(opset.version) }
        if !model.producerName.isEmpty { metadata["producer"] = "\(model.producerName) \(model.producerVersion)" }
    }
}
