import GraphIR
import MXNetFormat
import Operators
import OrderedCollections
import TensorCore

/// MXNet checkpoint → graph. Everything is kept: an operator that the table lacks becomes a node with MXNet's own name.
///
/// The three tensors of a quantized value (codes, minimum, maximum) become one, and so do the three parameters of an int8
/// weight.
public struct MXNetImporter {
    private let table: OperatorTable

    public init(table: OperatorTable = .standard) { self.table = table }

    /// - Throws: `ModelError` if the symbol contradicts itself. That it lacks parameters is said in the report.
    public func graph(of checkpoint: MXNetCheckpoint, name: String) throws -> (graph: Graph, report: TranslationReport) {
        var builder = try SymbolTranslation(checkpoint.symbol, checkpoint.parameters, table: table, name: name)
        try builder.run()
        return (builder.graph, builder.report)
    }
}

/// The translation of one symbol.
private struct SymbolTranslation {
    let symbol: MXNetSymbol
    let table: OperatorTable
    var graph: Graph
    var report = TranslationReport()
    /// Parameters by their bare names.
    private var tensors: OrderedDictionary<String, Tensor> = [:]
    private let hasParameters: Bool
    /// For each node, one more than the highest output that anything uses.
    private let usedOutputs: [Int]
    /// The same for uses by the outputs of the model and by operators that the table lacks.
    private let plainlyUsedOutputs: [Int]
    /// The value of each entry: node, output.
    private var values: [MXNetSymbol.Entry: ValueID] = [:]
    private var usedNames = Set<String>()
    /// Variables that are the ranges of parameters.
    private var foldedRanges = Set<MXNetSymbol.Entry>()

    init(_ symbol: MXNetSymbol, _ parameters: MXNetParameters?, table: OperatorTable, name: String) throws {
        self.symbol = symbol
        self.table = table
        hasParameters = parameters != nil
        func highest(_ entries: [MXNetSymbol.Entry]) -> [Int] {
            var used = [Int](repeating: 0, count: symbol.nodes.count)
            for entry in entries { used[entry.node] = max(used[entry.node], entry.output + 1) }
            return used
        }
        usedOutputs = highest(symbol.nodes.flatMap(\.inputs) + symbol.heads)
        plainlyUsedOutputs = highest(
            symbol.nodes.filter { table.meaning(ofMXNet: $0.op) == nil }.flatMap(\.inputs) + symbol.heads)
        graph = Graph(name: name)
        graph.metadata["format"] = "MXNet symbol"
        graph.metadata["mxnet_version"] = symbol.version.map(String.init)
        for entry in parameters?.entries ?? [] {
            guard let tensor = entry.array.tensor else { continue }
            tensors[MXNetParameters.split(entry.name).name] = tensor
        }
    }

    mutating func run() throws {
        for index in symbol.nodes.indices {
            let node = symbol.nodes[index]
            try locating("node '\(node.name)' (\(node.op))") {
                if node.isVariable { addVariable(node, index) } else { try addNode(node, index) }
            }
        }
        graph.setOutputs(try symbol.heads.map { try value($0, "the output") })
        for entry in foldedRanges { usedNames.insert(symbol.nodes[entry.node].name) }
        graph.removeUnusedVariables(foldedRanges.compactMap { values[$0] })
        report.superfluous = tensors.keys.filter { !usedNames.contains($0) }
        for name in report.superfluous { if let tensor = tensors[name] { graph.addParameter(name, tensor) } }
    }

    private mutating func addVariable(_ node: MXNetSymbol.Node, _ index: Int) {
        let attributes = Attributes(uniqueKeysWithValues: node.attributes.map { ($0, Attribute.text($1)) })
        let entry = MXNetSymbol.Entry(node: index, output: 0)
        guard let tensor = tensors[node.name] else {
            values[entry] = graph.addInput(node.name, type: declaredType(attributes), attributes: attributes)
            return
        }
        usedNames.insert(node.name)
        checkHints(node.name, attributes, tensor)
        values[entry] = graph.addParameter(node.name, tensor, attributes: attributes)
    }

    /// `__shape__` and `__dtype__` of a variable; a dimension of 0 is not known.
    private func declaredType(_ attributes: Attributes) -> ValueType? {
        let dimensions = (try? attributes.integers("__shape__")) ?? []
        guard !dimensions.isEmpty, dimensions.allSatisfy({ $0 > 0 }), let shape = try? Shape(checking: dimensions) else {
            return nil
        }
        return ValueType(.float32, shape)
    }

    private mutating func checkHints(_ name: String, _ attributes: Attributes, _ tensor: Tensor) {
        guard let declared = try? attributes.integers("__shape__"), !declared.isEmpty else { return }
        let fits = declared.count == tensor.shape.rank
            && zip(declared, tensor.shape.dimensions).allSatisfy { $0 <= 0 || $0 == $1 }
        if !fits {
            report.mismatched.append("'\(name)' is \(tensor.shape), but the symbol says (\(declared.commaSeparated))")
        }
    }

    private func value(_ entry: MXNetSymbol.Entry, _ what: String) throws -> ValueID {
        guard let value = values[MXNetSymbol.Entry(node: entry.node, output: entry.output)] else {
            throw ModelError("\(what) is output \(entry.output) of '\(symbol.nodes[entry.node].name)', which does not exist")
        }
        return value
    }

    // MARK: Nodes

    private mutating func addNode(_ node: MXNetSymbol.Node, _ index: Int) throws {
        var draft = NodeDraft(
            name: node.name, op: node.op,
            attributes: Attributes(uniqueKeysWithValues: node.attributes.map { ($0, Attribute.text($1)) }), inputs: [],
            bodies: try node.subgraphs.map { try body($0, name: node.name) })
        guard let meaning = table.meaning(ofMXNet: node.op) else {
            report.addUnknown(node.op, node: node.name)
            draft.inputs = try node.inputs.map { try value($0, "an input") }
            add(draft, index, outputs: max(symbol.outputCount(of: index) ?? 1, usedOutputs[index]))
            return
        }
        draft.op = meaning.definition.name
        let form = meaning.form
        let isQuantized = try meaning.namesQuantizedData || form.isAlwaysQuantized
            || draft.attributes.boolean("quantized") ?? false
        let ranged = isQuantized ? form.rangedInputs(draft) : []
        draft.inputs = try node.inputs.dropLast(2 * ranged.count).map { try value($0, "an input") }
        try attachRanges(node, ranged)
        draft.origins = origins(of: node, draft, isQuantized: isQuantized)
        noteMissingParameters(draft, form)
        let isTriple = isQuantized && form.quantizedOutputIsTriple(draft)
        let visible = max((symbol.outputCount(of: index) ?? 1) - form.hiddenOutputs(draft), 1)
        // Ranges are folded into the codes' grid, unless an unknown operator uses them.
        add(draft, index, outputs: isTriple ? max(1, plainlyUsedOutputs[index]) : max(visible, usedOutputs[index]))
    }

    /// Adds a node with as many outputs, under MXNet's names for them.
    private mutating func add(_ draft: NodeDraft, _ index: Int, outputs: Int) {
        var draft = draft
        draft.outputNames = outputs == 1 ? ["\(draft.name)_output"] : (0..<outputs).map { "\(draft.name)_output\($0)" }
        let id = graph.add(draft)
        for (output, value) in graph[id].outputs.enumerated() {
            values[MXNetSymbol.Entry(node: index, output: output)] = value
        }
    }

    /// The ranges that follow the plain inputs of a quantized node: outputs 1 and 2 of the node that gives the codes, or
    /// two parameters, which become the grid of the int8 parameter that they belong to.
    private mutating func attachRanges(_ node: MXNetSymbol.Node, _ ranged: [Int]) throws {
        let first = node.inputs.count - 2 * ranged.count
        for (pair, input) in ranged.enumerated() {
            guard first >= 0, node.inputs.indices.contains(input), first + 2 * pair + 1 < node.inputs.count else {
                throw ModelError("\(node.inputs.count) inputs do not include the ranges of its quantized inputs")
            }
            let codes = node.inputs[input]
            let (low, high) = (node.inputs[first + 2 * pair], node.inputs[first + 2 * pair + 1])
            if !symbol.nodes[codes.node].isVariable {
                guard low.node == codes.node, high.node == codes.node, low.output == 1, high.output == 2 else {
                    throw ModelError("the range of its input \(input) comes from another node than the codes")
                }
                continue
            }
            try attachParameterRange(codes, low, high)
        }
    }

    private mutating func attachParameterRange(
        _ codes: MXNetSymbol.Entry, _ low: MXNetSymbol.Entry, _ high: MXNetSymbol.Entry
    ) throws {
        let names = [low, high].map { symbol.nodes[$0.node].name }
        let bounds = names.compactMap { tensors[$0] }.filter { $0.elementCount == 1 }.map { $0.floats()[0] }
        for entry in [low, high] { foldedRanges.insert(entry) }
        guard let value = values[codes], let tensor = graph[value].tensor else { return }
        guard bounds.count == 2 else {
            report.missing += names.filter { tensors[$0] == nil }
            return
        }
        let grid = QuantizationGrid(
            parameterRange: ValueRange(bounds[0], bounds[1]), codeLimit: ParameterCodes.limit(of: graph[value].attributes))
        graph.setTensor(tensor, of: value, quantization: .known(grid))
    }

    /// What the node stands for in the float model: the nodes that it swallowed, or, where quantize_graph made it, the
    /// node that it was made from or behind.
    private func origins(of node: MXNetSymbol.Node, _ draft: NodeDraft, isQuantized: Bool) -> [String] {
        if let body = draft.bodies.first { return body.topologicalOrder().map { body[$0].name } }
        guard isQuantized, let input = draft.inputs.first ?? nil else { return [node.name] }
        if table.meaning(ofMXNet: node.op)?.form.isAlwaysQuantized ?? false {
            return graph.producer(of: input)?.origins ?? [graph[input].name]
        }
        let prefix = "quantized_"
        return [node.name.hasPrefix(prefix) ? String(node.name.dropFirst(prefix.count)) : node.name]
    }

    private mutating func noteMissingParameters(_ draft: NodeDraft, _ form: MXNetForm) {
        guard hasParameters else { return }
        for index in form.parameterInputs(draft) where draft.inputs.indices.contains(index) {
            guard let input = draft.inputs[index], case .input = graph[input].source else { continue }
            if !report.missing.contains(graph[input].name) { report.missing.append(graph[input].name) }
        }
    }

    private func body(_ symbol: MXNetSymbol, name: String) throws -> Graph {
        var builder = try SymbolTranslation(symbol, nil, table: table, name: name)
        try builder.run()
        return builder.graph
    }
}
