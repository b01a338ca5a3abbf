import GraphIR
import MXNetFormat
import ONNXFormat
import OneDNNBackend
import Operators
import TensorCore
import TestSupport
import Testing
import Translation

/// The laws that every operator of the table obeys, tried on its examples and on what quantizing makes of them.
struct EveryOperatorTests {
    static let definitions = OperatorTable.standard.definitions

    @Test func namesAreUnique() {
        func repeated(_ names: [String]) -> Set<String> {
            var seen = Set<String>()
            return Set(names.filter { !seen.insert($0).inserted })
        }
        #expect(repeated(Self.definitions.map(\.name)) == [])
        #expect(
            repeated(Self.definitions.flatMap { ($0.mxnet?.names ?? []) + [$0.mxnet?.quantizedName].compactMap { $0 } })
                == [])
        let types = Self.definitions.flatMap { definition -> [String] in
            if case .mapped(let mapping) = definition.onnx { mapping.types } else { [] }
        }
        #expect(repeated(types) == [])
    }

    @Test(arguments: definitions.map(\.name)) func everyFacetIsThereOrSaysWhyNot(_ name: String) throws {
        let definition = try OperatorTable.standard.definition(of: name)
        #expect(!definition.summary.isEmpty)
        #expect(!definition.examples.isEmpty)
        #expect(try definition.examples.allSatisfy { example in try example.graph().nodes.contains { $0.op == name } })
        if case .unsupported(let reason) = definition.onnx { #expect(!reason.isEmpty) }
        if case .float(let reason) = definition.quantization { #expect(!reason.isEmpty) }
    }

    // MARK: Types

    @Test(arguments: try ExampleCase.examples() + ExampleCase.quantized())
    func inferredTypesAreTheExecutedOnes(_ example: ExampleCase) throws {
        let (outputs, values) = try example.run(observing: true)
        for value in example.graph.values where value.producer != nil {
            let type = try #require(value.type, "\(value.name)")
            let tensor = try #require(values[value.name], "\(value.name)")
            let computed = type.dataType.computed
            #expect(tensor.dataType == computed && tensor.shape == type.shape, "\(value.name)")
        }
        #expect(outputs.map(\.shape) == example.graph.outputs.map { example.graph[$0].type?.shape })
        let declared: [DataType] = example.graph.outputs.compactMap { example.graph[$0].type?.dataType }
        let executed: [DataType] = outputs.map { $0.dataType }
        #expect(executed == declared)
    }

    /// Without shapes, an operator still finds the types of elements and the grids.
    @Test(arguments: try ExampleCase.examples() + ExampleCase.quantized())
    func elementTypesNeedNoShapes(_ example: ExampleCase) throws {
        var graph = example.graph
        for input in graph.inputs { graph.setType(ValueType(graph[input].type?.dataType ?? .float32, nil), of: input) }
        try TypeInference().annotate(&graph)
        for value in graph.values where value.producer != nil {
            let known = example.graph[value.id].type
            #expect(
                value.type?.dataType == known?.dataType && value.type?.quantization == known?.quantization,
                "\(value.name)")
        }
    }

    // MARK: Numbers

    @Test(arguments: try ExampleCase.examples() + ExampleCase.quantized())
    func oneDNNComputesTheSame(_ example: ExampleCase) throws {
        let isQuantized = example.graph.values.contains { $0.type?.isQuantized ?? false }
        guard !isQuantized || InstructionSet.current.hasVNNI else { return }
        let expected = try example.run(observing: true).values,
            actual = try example.run(.onednn, observing: true).values
        #expect(expected.keys.sorted() == actual.keys.sorted())
        for (name, tensor) in expected {
            let other = try #require(actual[name])
            #expect(other.type == tensor.type)
            let tolerance = tensor.dataType == .float32 ? 1e-5 * magnitude(tensor) : 0
            #expect(difference(other, tensor) <= tolerance, "\(name)")
        }
    }

    @Test(arguments: try ExampleCase.quantized())
    func quantizedResultsStayWithinTheirBound(_ example: ExampleCase) throws {
        let title = example.title.components(separatedBy: ", ").dropLast().joined(separator: ", ")
        let float = try #require(try ExampleCase.examples().first { $0.op == example.op && $0.title == title })
        let expected = try float.run().outputs[0], actual = try example.run().outputs[0]
        let bound = try QuantizationBound(float).value
        #expect(difference(expected, actual) <= bound, "bound \(bound), largest \(magnitude(expected))")
        // A bound that allows everything would say nothing.
        #expect(bound < 0.2 * magnitude(expected))
    }

    // MARK: Formats

    @Test(arguments: try ExampleCase.examples() + ExampleCase.quantized())
    func mxnetRoundTrip(_ example: ExampleCase) throws {
        guard example.isMXNets else {
            #expect(throws: ModelError.self) { try MXNetExporter().checkpoint(of: example.graph) }
            return
        }
        let checkpoint = try MXNetExporter().checkpoint(of: example.graph)
        let symbol = try SymbolReader.decode(SymbolWriter.encode(checkpoint.symbol))
        var (graph, report) = try MXNetImporter().graph(
            of: MXNetCheckpoint(symbol: symbol, parameters: checkpoint.parameters), name: example.graph.name)
        #expect(report == TranslationReport())
        // A symbol says nothing of its inputs.
        for id in graph.inputs { graph.setType(example.graph.value(named: graph[id].name)?.type, of: id) }
        try TypeInference().annotate(&graph)
        let back = ExampleCase(family: example.family, op: example.op, title: example.title, graph: graph)
        #expect(back.comparableText == example.comparableText)
        #expect(try back.run().outputs == example.run().outputs)
    }

    @Test(arguments: try ExampleCase.examples()) func onnxRoundTrip(_ example: ExampleCase) throws {
        let order = example.graph.nodes.map(\.op)
        let isMapped = order.allSatisfy { op in
            if case .mapped = OperatorTable.standard[op]?.onnx { true } else { false }
        }
        let isCalibrated = !example.graph.values.contains { $0.type?.quantization == .foundAtRunTime }
        guard isMapped && isCalibrated else {
            #expect(throws: ModelError.self) { try ONNXExporter(opset: 13).model(of: example.graph) }
            return
        }
        let first = order.compactMap { op in
            if case .mapped(let mapping) = OperatorTable.standard[op]?.onnx { mapping.since } else { nil }
        }.max() ?? 0
        for opset in ONNXExporter.opsets {
            guard opset >= max(first, example.onnxSince) else {
                #expect(throws: ModelError.self) { try ONNXExporter(opset: opset).model(of: example.graph) }
                continue
            }
            let model = try ONNXExporter(opset: opset).model(of: example.graph)
            guard model.graph.nodes.allSatisfy({ OperatorTable.standard.canRead($0.opType) }) else { continue }
            let bytes = ModelWriter.encode(model)
            let file = try ModelReader.decode(TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) })
            var (graph, report) = try ONNXImporter().graph(of: file, name: example.graph.name)
            // Shapes that only the data decides, such as those of the boxes that are left, are not read back.
            if report.losses.contains(where: { $0.contains("computed at run time") }) { continue }
            #expect(report == TranslationReport())
            try TypeInference().annotate(&graph)
            // What only the data decides is found when the model runs.
            guard graph.values.allSatisfy({ $0.type?.shape != nil }) else { continue }
            // Embedding writes Gather, which Take reads.
            // What the reader computes, because all of its inputs are stored, is no node any more.
            let isOneToOne = model.graph.nodes.count == order.count && graph.nodes.map(\.op).count == order.count
                && order.last.map { writesWhatItReads($0, model) } ?? false
            let back = ExampleCase(family: example.family, op: example.op, title: example.title, graph: graph)
            let expected = try example.run().outputs, actual = try back.run().outputs
            #expect(actual.map(\.type) == expected.map(\.type))
            for (a, b) in zip(actual, expected) { #expect(difference(a, b) <= 1e-6 * magnitude(b)) }
            // What ONNX says with as many nodes comes back as it was, and is written as it was read.
            // What depends on constants only was computed while it was read.
            guard isOneToOne, !graph.topologicalOrder().isEmpty else { continue }
            #expect(graph.nodes.map(\.op).last == order.last)
            #expect(graph.nodes.map(\.name).last == example.graph.nodes.map(\.name).last)
            let again = try ONNXExporter(opset: opset).model(of: graph)
            #expect(again.graph.nodes == model.graph.nodes)
            func sorted(_ tensors: [ONNXTensor]) -> [ONNXTensor] { tensors.sorted { $0.name < $1.name } }
            #expect(sorted(again.graph.initializers) == sorted(model.graph.initializers))
        }
    }
}

extension OperatorTable {
    fileprivate func canRead(_ type: String) -> Bool {
        type == "Identity" ? self["_copy"] != nil : mapping(ofONNX: type) != nil
    }
}

/// Whether the operator reads the type of the model's last node, as a node: what only depends on shapes becomes a constant.
private func writesWhatItReads(_ op: String, _ model: ONNXModel) -> Bool {
    guard let definition = OperatorTable.standard[op], !definition.dependsOnShapesOnly,
        case .mapped(let mapping) = definition.onnx
    else { return false }
    return mapping.types.contains(model.graph.nodes.last?.opType ?? "")
}

extension ExampleCase {
    /// The graph as text, without what is said of its file. MXNet sorts attributes and does not name subgraphs.
    fileprivate var comparableText: String {
        var graph = graph
        graph.metadata = [:]
        for id in graph.nodes.map(\.id) {
            graph.update(id) { node in
                node.attributes.sort { $0.key < $1.key }
                for index in node.bodies.indices { node.bodies[index].name = "" }
            }
        }
        return GraphPrinter.text(of: graph)
    }
}
