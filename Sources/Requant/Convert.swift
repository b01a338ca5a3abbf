import GraphIR
import ONNXFormat
import Operators
import Passes
import TensorCore
import Translation

/// How ONNX spells quantized layers.
public enum QuantizedForm: String, Sendable, CaseIterable {
    /// Float operators between QuantizeLinear and DequantizeLinear.
    case qdq
    /// QLinearConv and QLinearMatMul where there is one of them, QDQ form elsewhere.
    case qoperator
}

/// How a model is to be written as ONNX.
public struct ONNXOptions: Sendable {
    /// The extent of the first axis of the inputs.
    public enum Batch: Sendable, Equatable {
        case asGiven, dynamic
        case fixed(Int)
    }

    /// By default 13 for quantized models, 17 for float ones.
    public var opset: Int?
    /// How residual sums are rounded.
    public var residual = ResidualForm.exact
    /// How quantized layers are spelt.
    public var form = QuantizedForm.qdq
    /// Allows operators of com.microsoft in QOperator form, which not every runtime knows.
    public var usesMicrosoftOperators = false
    /// The extent of the first axis of the inputs.
    public var batch = Batch.asGiven
    /// Weights go into a file beside the model; by itself past 2 GB.
    public var hasExternalData = false
    /// Which int8 arithmetic the file shall mean.
    public var arithmetic = Arithmetic.exact

    /// The standard choices.
    public init() {}
}

/// What a conversion wrote.
public struct ConversionResult: Sendable {
    /// Their paths.
    public var files: [String]
    /// How many nodes were written.
    public var nodes: Int
    /// What each pass did, or why it did not.
    public var records: [PassRecord]
    /// What the other format cannot hold, or holds otherwise.
    public var losses: [String]
    /// Of the model that was read: what MXNet computes otherwise than its maker meant.
    public var traps: [Trap] = []
}

extension Model {
    /// Whether any layer works on codes.
    public var isQuantized: Bool { graph.values.contains { $0.type?.isQuantized ?? false } }

    /// Writes the model as ONNX: float layers as they are, quantized ones in QDQ form.
    /// - Throws: `ModelError` if shapes of inputs are not known, ranges are not calibrated, or an operator has no form.
    public func saveONNX(to path: String, _ options: ONNXOptions = ONNXOptions()) throws -> ConversionResult {
        try requireComplete()
        var model = self
        if case .fixed(let count) = options.batch { try model.setBatch(count) }
        try model.requireShapes()
        let wasQuantized = model.isQuantized
        let (written, records) = try model.run(
            Pipelines.toQDQ(residual: options.residual, arithmetic: options.arithmetic))
        let exporter = ONNXExporter(
            opset: options.opset ?? (wasQuantized ? 13 : 17), hasDynamicBatch: options.batch == .dynamic)
        guard ONNXExporter.opsets.contains(exporter.opset) else {
            throw ModelError(
                "opset \(exporter.opset) cannot be written",
                advice: "\(ONNXExporter.opsets.lowerBound) to \(ONNXExporter.opsets.upperBound) can")
        }
        var file = try exporter.model(of: written.graph)
        let losses = qdqLosses(options) + (options.form == .qoperator ? file.takeQOperatorForm(options) : [])
        try ModelWriter.write(file, to: path, weights: options.hasExternalData ? .external(above: 1024) : .automatic)
        return ConversionResult(
            files: [path], nodes: file.graph.nodes.count, records: records, losses: losses, traps: traps)
    }

    /// Writes the model as an MXNet checkpoint; QDQ form becomes quantized layers.
    ///
    /// - Parameters:
    ///   - path: `PREFIX-symbol.json` or `PREFIX`.
    ///   - requantizes: takes symmetric grids where MXNet cannot hold those of the model.
    /// - Throws: `ModelError` for what MXNet cannot hold.
    public func saveMXNet(to path: String, requantizes: Bool = false) throws -> ConversionResult {
        let isONNX = graph.metadata["format"] == "ONNX"
        // What came from MXNet is written back as it is, whether or not anything can be computed with it.
        if isONNX { try requireComplete() }
        let open = try withOpenBatch()
        let (collapsed, first) = try open.run(isONNX ? Pipelines.fromQDQ(dropsInnerRounding: true) : Pipelines.nothing)
        let (restored, second) = try collapsed.run(
            isONNX ? Pipelines.toMXNet(requantizes: requantizes) : Pipelines.nothing)
        let paths = try restored.saveCheckpoint(to: path)
        let dropped = first.count { $0.explanation == CollapseQDQ.droppedRounding }
        let losses =
            open.report.losses + (isONNX ? [] : report.mismatched + ParameterCheck.problems(of: graph))
            + (dropped > 0 ? ["\(Self.sums(dropped)) are rounded once instead of twice, as MXNet does it"] : [])
            + second.filter { $0.outcome == .refused }.map { "'\($0.node)': \($0.explanation)" }
            + (second.contains { $0.outcome == .refused && $0.pass == "FitMXNetGrids" } ? [Self.gridsOnly] : [])
            + restored.halvedSums
        return ConversionResult(
            files: [paths.symbol] + (paths.parameters.map { [$0] } ?? []),
            nodes: restored.graph.topologicalOrder().count,
            records: first + second, losses: losses, traps: traps)
    }

    /// The model with QDQ form made quantized layers, as it is run.
    public func collapsed() throws -> Model {
        guard graph.metadata["format"] == "ONNX" else { return self }
        var model = try run(Pipelines.fromQDQ(dropsInnerRounding: false)).model
        model.source = source
        return model
    }

    /// No data were run: what the decibels are of, and what measures the rest.
    private static let gridsOnly =
        "these decibels are of the grids, worked out from their steps; what the outputs lose depends on the data: "
        + "'requant diff' of the two models with --data measures it"

    private static func sums(_ count: Int) -> String { count == 1 ? "1 residual sum" : "\(count) residual sums" }

    /// Residual sums that MXNet computes in the type of the residual, and so at half of their range.
    private var halvedSums: [String] {
        let sums = graph.topologicalOrder().map { graph[$0] }.filter { node in
            guard let form = try? FusedConvolutionForm(node), let input = form.residualInput,
                let residual = node.inputs[input],
                let type = graph[residual].type, let result = graph[node.outputs[0]].type
            else { return false }
            return type.isQuantized && result.dataType.isCode && type.dataType != result.dataType
        }
        guard !sums.isEmpty else { return [] }
        return [
            "MXNet 1.9.1 computes \(sums.count) residual sums of an int8 and a uint8 tensor at half of their range ("
                + "\(sums[0].name)\(sums.count > 1 ? ", …" : "")); Requant computes them right, unless told --mxnet-compat"
        ]
    }

    private mutating func setBatch(_ count: Int) throws {
        guard count > 0 else { throw ModelError("a batch of \(count) is not possible") }
        var shapes: [String: Shape] = [:]
        for id in graph.inputs {
            guard let shape = graph[id].type?.shape, shape.rank > 0 else { continue }
            shapes[graph[id].name] = shape.replacing(axis: 0, with: count)
        }
        try annotate(shapes: shapes)
    }

    private func requireShapes() throws {
        let labels = OperatorTable.standard.labels(of: graph)
        let unknown = graph.inputs.filter { !labels.contains($0) }.map { graph[$0] }.filter { $0.type?.shape == nil }
            .map(\.name)
        guard unknown.isEmpty else {
            throw ModelError(
                "the shape of \(unknown.map { "'\($0)'" }.commaSeparated) is not known", at: graph.name,
                advice: "give it with --shape \(unknown[0])=1,3,224,224")
        }
    }

    private func qdqLosses(_ options: ONNXOptions) -> [String] {
        var losses: [String] = []
        let sums = graph.nodes.filter {
            $0.op == "FusedConvolution" && $0.attributes["with_sum"] != nil && $0.attributes["quantized"] != nil
        }
        if !sums.isEmpty {
            switch options.residual {
            case .exact:
                losses.append(
                    "\(sums.count) residual sums keep one rounding (--residual exact); ONNX Runtime computes them in float"
                )
            case .runtime:
                losses.append(
                    "\(sums.count) residual sums are rounded once more (--residual runtime), so that ONNX Runtime has integer kernels for them"
                )
            }
            if options.arithmetic == .mxnet {
                losses.append(
                    "MXNet's half range in residual sums of mixed types cannot be written; the sums keep their whole range"
                )
            }
        }
        return losses
    }
}

extension ONNXModel {
    /// Rewrites the graph in QOperator form; returns what is to be said of it.
    fileprivate mutating func takeQOperatorForm(_ options: ONNXOptions) -> [String] {
        var writing = QOperatorWriting(usesMicrosoft: options.usesMicrosoftOperators)
        writing.rewrite(&graph)
        var remarks: [String] = []
        if !writing.microsoftOperators.isEmpty {
            opsetImports.append(ONNXOpset(domain: "com.microsoft", version: 1))
            remarks.append(
                "\(writing.microsoftOperators.sorted().commaSeparated) of com.microsoft are not standard ONNX: "
                    + "only ONNX Runtime and what follows it know them")
        }
        if let first = writing.remaining.first {
            let count = writing.remaining.count
            remarks.append(
                "\(count == 1 ? "1 node stays" : "\(count) nodes stay") in QDQ form, because ONNX has no QOperator for "
                    + "\(count == 1 ? "it" : "them") ('\(first)'\(count > 1 ? ", …" : ""))"
                    + (options.usesMicrosoftOperators ? "" : "; com.microsoft may: --microsoft-operators"))
        }
        return remarks
    }
}
