import GraphIR
import ONNXFormat
import Operators
import TensorCore

/// ONNX → graph. Everything is kept: a node that no operator of the table can read keeps ONNX's name for it.
public struct ONNXImporter {
    private let table: OperatorTable

    public init(table: OperatorTable = .standard) { self.table = table }

    /// - Throws: `ModelError` for a node that uses what nothing computes.
    public func graph(of model: ONNXModel, name: String) throws -> (graph: Graph, report: TranslationReport) {
        var graph = Graph(name: name)
        for property in model.metadata { graph.metadata[property.key] = property.value }
        graph.metadata["format"] = "ONNX"
        graph.metadata["ir_version"] = String(model.irVersion)
        for opset in model.opsetImports { graph.metadata["opset \(opset.domain)"] = String(opset.version) }
        if !model.producerName.isEmpty { graph.metadata["producer"] = "\(model.producerName) \(model.producerVersion)" }

        var report = TranslationReport()
        var values: [String: ValueID] = [:]
        for tensor in model.graph.initializers {
            values[tensor.name] = graph.addParameter(tensor.name, try tensor.tensor())
        }
        for input in model.graph.inputs where values[input.name] == nil {
            values[input.name] = graph.addInput(input.name, type: valueType(input))
        }
        let opset = model.opsetVersion() ?? 1
        let types = Dictionary(
            (model.graph.valueInfo + model.graph.outputs).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }
        ).compactMapValues(valueType)
        for node in Self.withUniqueNames(model.graph.nodes) {
            try locating("node '\(node.name)' (\(node.opType))") {
                try add(node, opset: opset, &graph, &values, &report)
                // What the file says of types, until they are inferred.
                for case let value? in node.outputs.map({ values[$0] }) where graph[value].type == nil {
                    graph.setType(types[graph[value].name], of: value)
                }
            }
        }
        dropAbsorbed(model, values, &graph, &report)
        graph.setOutputs(
            try model.graph.outputs.map { output in
                guard let value = values[output.name] else {
                    throw ModelError("nothing computes the output '\(output.name)'")
                }
                return value
            })
        return (graph, report)
    }

    /// ONNX knows nodes by their outputs: their names may be missing, or shared. Here, every node has its own.
    private static func withUniqueNames(_ nodes: [ONNXNode]) -> [ONNXNode] {
        func name(_ node: ONNXNode) -> String {
            node.name.isEmpty ? node.outputs.first { !$0.isEmpty } ?? node.opType : node.name
        }
        var taken = Set(nodes.map(name)), seen = Set<String>()
        var counts: [String: Int] = [:]
        return nodes.map { node in
            var copy = node
            let wanted = name(node)
            copy.name = wanted
            if seen.insert(wanted).inserted { return copy }
            repeat {
                counts[wanted, default: 0] += 1
                copy.name = "\(wanted)_\(counts[wanted, default: 0])"
            } while !taken.insert(copy.name).inserted
            return copy
        }
    }

    /// Constants that became attributes, such as scales, go; those that no node of the file used are named.
    private func dropAbsorbed(
        _ model: ONNXModel, _ values: [String: ValueID], _ graph: inout Graph, _ report: inout TranslationReport
    ) {
        let mentioned = Set(model.graph.nodes.flatMap(\.inputs) + model.graph.outputs.map(\.name))
        let unused = model.graph.initializers.map(\.name).filter { name in
            values[name].map { graph[$0].uses.isEmpty } ?? false
        }
        report.superfluous = unused.filter { !mentioned.contains($0) }
        let outputs = Set(model.graph.outputs.map(\.name))
        graph.removeUnusedVariables(
            unused.filter { mentioned.contains($0) && !outputs.contains($0) }.compactMap { values[$0] })
    }

    private func add(
        _ node: ONNXNode, opset: Int, _ graph: inout Graph, _ values: inout [String: ValueID],
        _ report: inout TranslationReport
    ) throws {
        let inputs = try node.inputs.map { input -> ValueID? in
            if input.isEmpty { return nil }
            guard let value = values[input] else { throw ModelError("nothing computes its input '\(input)'") }
            return value
        }
        if node.opType == "Identity", node.domain.isEmpty, let input = inputs.first ?? nil,
            let output = node.outputs.first
        {
            values[output] = input
            return
        }
        if node.opType == "Constant", case .tensor(let tensor)? = node.attribute("value"),
            let output = node.outputs.first
        {
            values[output] = graph.addParameter(output, try tensor.tensor())
            return
        }
        if try !read(node, opset, inputs, &graph, &report) {
            let draft = opaque(node, inputs)
            report.addUnknown(draft.op, node: draft.name)
            graph.add(draft)
        }
        for output in node.outputs where !output.isEmpty {
            values[output] = graph.lastValue(named: output)
        }
    }

    /// Lets the operator of the table read the node; false if there is none, or if it refuses.
    private func read(
        _ node: ONNXNode, _ opset: Int, _ inputs: [ValueID?], _ graph: inout Graph, _ report: inout TranslationReport
    ) throws -> Bool {
        guard let mapping = table.mapping(ofONNX: node.opType), node.domain.isEmpty || node.domain == "ai.onnx" else {
            return false
        }
        // The graph moves into the reading and back, so that it is never copied.
        var reading = ONNXReading(node, opset: opset, inputs: inputs, graph: graph)
        graph = Graph()
        var draftToAdd: NodeDraft?
        defer {
            graph = reading.graph
            if let draftToAdd { graph.add(draftToAdd) }
        }
        do {
            try mapping.read(&reading)
            guard let draft = reading.draft else {
                reading.discardAdded()
                return false
            }
            try table.definition(of: draft.op).checkInputCount(of: draft)
            guard !draft.inputs.contains(nil) else { throw ModelError("leaves out an input that is needed") }
            draftToAdd = draft
            return true
        } catch let error as ModelError {
            // It can still be inspected and drawn; whoever has to run it is told why it cannot be.
            reading.discardAdded()
            report.losses.append("'\(reading.name)' (\(node.opType)) stays as it is: \(error)")
            return false
        }
    }

    private func opaque(_ node: ONNXNode, _ inputs: [ValueID?]) -> NodeDraft {
        var attributes: Attributes = [:]
        for attribute in node.attributes { attributes[attribute.name] = self.attribute(attribute.value) }
        return NodeDraft(
            name: node.name, op: node.domain.isEmpty ? node.opType : "\(node.domain).\(node.opType)",
            attributes: attributes,
            inputs: inputs, outputNames: node.outputs)
    }

    private func attribute(_ value: ONNXAttribute.Value) -> Attribute {
        switch value {
        case .int(let number): .integer(number)
        case .float(let number): .number(Double(number))
        case .ints(let numbers): .integers(numbers)
        case .floats(let numbers): .numbers(numbers.map(Double.init))
        case .string: .text(value.text ?? "")
        case .strings(let strings): .strings(strings.map { String(decoding: $0, as: UTF8.self) })
        case .tensor(let tensor): (try? tensor.tensor()).map { .tensor($0) } ?? .text("<\(tensor.elementType)>")
        default: .text("<\(value.kind)>")
        }
    }

    private func valueType(_ info: ONNXValueInfo) -> ValueType? {
        guard case .tensor(let element, let dimensions)? = info.type, let dataType = element.dataType else {
            return nil
        }
        let extents = (dimensions ?? []).map { dimension -> Int? in
            if case .known(let extent) = dimension { extent } else { nil }
        }
        guard dimensions != nil, extents.allSatisfy({ $0 != nil }) else { return ValueType(dataType, nil) }
        return ValueType(dataType, try? Shape(checking: extents.compactMap { $0 }))
    }
}
