import GraphIR
import ONNXFormat
import Operators
import TensorCore

/// Graph → ONNX. Every node is written by its operator; fused and quantized layers are taken apart by passes before.
public struct ONNXExporter {
    /// The oldest version that has per-channel QDQ, and the newest that the operators here are known in.
    public static let opsets = 13...24
    /// Marks what the metadata say of the model that this one was made from.
    private static let sourcePrefix = "source_"
    /// The version of ONNX's operators that is written.
    public let opset: Int
    /// The first axis of the inputs is called `batch` instead of having an extent, and so is what follows from it.
    public var hasDynamicBatch: Bool
    private let table: OperatorTable

    /// - Parameters:
    ///   - opset: 13 to 24.
    ///   - table: where operators are looked up.
    ///   - hasDynamicBatch: leaves the first axis of inputs and outputs open.
    public init(opset: Int, hasDynamicBatch: Bool = false, table: OperatorTable = .standard) {
        self.opset = opset
        self.hasDynamicBatch = hasDynamicBatch
        self.table = table
    }

    /// - Parameter graph: annotated with shapes.
    /// - Throws: `ModelError` that lists every node whose operator has no ONNX form, with the reasons; or, for a dynamic
    ///   batch, everything that is for one batch only.
    public func model(of graph: Graph) throws -> ONNXModel {
        guard hasDynamicBatch else { return try modelAsGiven(graph) }
        let shapes = graph.inputs.compactMap { id in graph[id].type?.shape.map { (graph[id].name, $0) } }
        guard let batch = shapes.first(where: { $0.1.rank > 0 })?.1[0] else { return try modelAsGiven(graph) }
        let models = try BatchExtent.probes.map { count in
            let batched = shapes.filter { $0.1.rank > 0 && $0.1[0] == batch }
                .map { ($0.0, $0.1.replacing(axis: 0, with: count)) }
            var copy = graph
            try locating("for a batch of \(count)") {
                try TypeInference(table: table).annotate(&copy, shapes: Dictionary(batched) { first, _ in first })
            }
            return try modelAsGiven(copy)
        }
        return try DynamicBatch.merge(models[0], models[1])
    }

    private func modelAsGiven(_ graph: Graph) throws -> ONNXModel {
        let labels = table.labels(of: graph)
        let order = graph.topologicalOrder().map { graph[$0] }.filter { !$0.outputs.allSatisfy(labels.contains) }
        try refuseUnwritable(order)
        var writing = ONNXWriting(opset: opset)
        let outputs = graph.outputs.map { graph[$0] }.filter { $0.producer != nil }
        for value in graph.inputs.map({ graph[$0] }) + outputs { writing.computeInFloat32(value) }
        for input in graph.inputs where !labels.contains(input) {
            writing.emitConversion(of: graph[input], isInput: true)
        }
        for node in order {
            guard case .mapped(let mapping) = try table.definition(of: node.op).onnx else { continue }
            let reader = NodeReader(node, in: graph)
            for case let input? in node.inputs where node.op != "Dequantize" {
                // ONNX's operators want all operands of one type; everything is computed in float32 here.
                if let tensor = graph[input].tensor {
                    writing.initializer(
                        graph[input].name, tensor.dataType.isFloatingPoint ? tensor.asFloat32() : tensor)
                }
            }
            try reader.locating { try mapping.write(reader, &writing) }
        }
        for output in outputs { writing.emitConversion(of: output, isInput: false) }
        let used = Set(writing.nodes.flatMap(\.inputs)).union(graph.outputs.map { graph[$0].name })
        let names = Set(graph.outputs)
        let inner = order.flatMap(\.outputs).filter { !names.contains($0) }
        let body = ONNXGraph(
            name: graph.name.isEmpty ? "model" : graph.name, nodes: writing.nodes,
            initializers: writing.initializers.filter { used.contains($0.name) },
            inputs: graph.inputs.filter { !labels.contains($0) }.map { info(graph[$0]) },
            outputs: graph.outputs.map { info(graph[$0]) }, valueInfo: inner.map { info(graph[$0], isComputed: true) })
        return ONNXModel(
            irVersion: Self.irVersion(forOpset: opset), opsetImports: [ONNXOpset(version: opset)],
            producerName: "Requant", producerVersion: "0.1",
            metadata: graph.metadata.map { key, value in
                ONNXProperty(key: key.hasPrefix(Self.sourcePrefix) ? key : Self.sourcePrefix + key, value: value)
            }, graph: body)
    }

    private func refuseUnwritable(_ nodes: [Node]) throws {
        let refusals = nodes.compactMap { node -> String? in
            switch table[node.op]?.onnx {
            case .mapped(let mapping):
                mapping.since <= opset
                    ? nil
                    : "'\(node.name)' (\(node.op)): ONNX has it from opset \(mapping.since) on; write a newer opset"
            case .unsupported(let reason): "'\(node.name)' (\(node.op)): \(reason)"
            case nil: "'\(node.name)' (\(node.op)): the operator is not known"
            }
        }
        guard refusals.isEmpty else {
            throw ModelError(
                "cannot be written as ONNX: \(refusals.joined(separator: "; "))",
                advice: "'requant operators' lists what can be")
        }
    }

    private func info(_ value: Value, isComputed: Bool = false) -> ONNXValueInfo {
        guard let type = value.type else { return ONNXValueInfo(name: value.name, type: nil) }
        let shape = type.shape?.dimensions.map { ONNXDimension.known($0) }
        let dataType = isComputed ? type.dataType.computed : type.dataType
        return ONNXValueInfo(name: value.name, type: .tensor(ONNXElementType(dataType), shape: shape))
    }

    /// The IR version that the ONNX release with this opset wrote (docs/Versioning.md of ONNX).
    static func irVersion(forOpset opset: Int) -> Int {
        switch opset {
        case ...14: 7
        case ...18: 8
        case ...20: 9
        case ...22: 10
        case 23: 11
        default: 12
        }
    }
}
