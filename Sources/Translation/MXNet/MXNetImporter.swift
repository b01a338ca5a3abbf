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
    public func graph(of checkpoint: MXNetCheckpoint, name: String) throws -> (graph: Graph, report: TranslationReport)
    {
        var builder = SymbolTranslation(checkpoint.symbol, checkpoint.parameters, table: table, name: name)
        try builder.run()
        builder.graph.metadata["format"] = "MXNet symbol"
        builder.graph.metadata["mxnet_version"] = checkpoint.symbol.version.map(String.init)
        if checkpoint.symbol.usesNumPyShapes { builder.graph.metadata[MXNetMarks.numPyShapes] = "1" }
        return (builder.graph, builder.report)
    }
}

/// What a graph remembers of its checkpoint beyond what it computes, so that the exporter can say it again.
enum MXNetMarks {
    /// Metadata of a graph: shapes are NumPy's.
    static let numPyShapes = "is_np_shape"
    /// Attribute of a variable: an operator that the table lacks changes it, or the file calls it an auxiliary state.
    static let auxiliary = "__auxiliary__"
}

/// The translation of one symbol.
private struct SymbolTranslation {
    let symbol: MXNetSymbol
    let table: OperatorTable
    var graph: Graph
    var report = TranslationReport()
    /// Parameters by their bare names; their values are in the order of the file.
    private var parameters: OrderedDictionary<String, ValueID> = [:]
    private var auxiliaries = Set<ValueID>()
    private let hasParameters: Bool
    /// For each node, one more than the highest output that anything uses.
    private let usedOutputs: [Int]
    /// The same for uses by the outputs of the model and by operators that the table lacks.
    private let plainlyUsedOutputs: [Int]
    /// The value of each entry: node, output.
    private var values: [MXNetSymbol.Entry: ValueID] = [:]
    private var usedNames = Set<String>()
    /// Parameters that operators need and do not get.
    private var missing = OrderedSet<String>()
    /// Variables that are the ranges of parameters.
    private var foldedRanges = Set<MXNetSymbol.Entry>()

    init(_ symbol: MXNetSymbol, _ parameters: MXNetParameters?, table: OperatorTable, name: String) {
        self.table = table
        (self.symbol, report.losses) = symbol.withUniqueNames()
        let symbol = self.symbol
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
        var spareBytes = MXNetArray.spareBytes
        for entry in parameters?.entries ?? [] { addParameter(entry, &spareBytes) }
    }

    private mutating func addParameter(_ entry: MXNetParameters.Entry, _ spareBytes: inout Int) {
        let (kind, name) = MXNetParameters.split(entry.name)
        guard parameters[name] == nil else {
            report.losses.append("'\(name)' is stored more than once; the first is taken")
            return
        }
        do {
            let value = graph.addParameter(name, try entry.array.densified(spareBytes: &spareBytes))
            if entry.array.tensor == nil { report.losses.append("'\(name)' is stored sparse; it becomes dense") }
            parameters[name] = value
            if kind == .auxiliary { auxiliaries.insert(value) }
        } catch { report.losses.append("'\(name)' is left out: \(error)") }
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
        report.missing = Array(missing)
        report.superfluous = parameters.keys.filter { !usedNames.contains($0) }
        for name in report.superfluous { markIfAuxiliary(parameters[name]) }
    }

    private mutating func addVariable(_ node: MXNetSymbol.Node, _ index: Int) {
        let attributes = Attributes(uniqueKeysWithValues: node.attributes.map { ($0, Attribute.text($1)) })
        let entry = MXNetSymbol.Entry(node: index, output: 0)
        guard let parameter = parameters[node.name], let tensor = graph[parameter].tensor else {
            values[entry] = graph.addInput(node.name, type: declaredType(attributes), attributes: attributes)
            return
        }
        usedNames.insert(node.name)
        checkHints(node.name, attributes, tensor)
        graph.update(parameter, attributes: attributes)
        values[entry] = parameter
    }

    private mutating func markIfAuxiliary(_ value: ValueID?, changed: Bool = false) {
        guard let value, changed || auxiliaries.contains(value), graph[value].producer == nil else { return }
        var attributes = graph[value].attributes
        attributes[MXNetMarks.auxiliary] = .text("True")
        graph.update(value, attributes: attributes)
    }

    /// `__shape__` and `__dtype__` of a variable; a dimension of 0 is not known.
    private func declaredType(_ attributes: Attributes) -> ValueType? {
        let dimensions = (try? attributes.integers("__shape__")) ?? []
        guard !dimensions.isEmpty, dimensions.allSatisfy({ $0 > 0 }), let shape = try? Shape(checking: dimensions)
        else {
            return nil
        }
        return ValueType(declaredDataType(attributes) ?? .float32, shape)
    }

    /// `__dtype__` of a variable, a number of MXNet's; −1 is not known.
    private func declaredDataType(_ attributes: Attributes) -> DataType? {
        (try? attributes.integer("__dtype__")).flatMap { DataType(mxnetTypeFlag: $0) }
    }

    private mutating func checkHints(_ name: String, _ attributes: Attributes, _ tensor: Tensor) {
        if let declared = declaredDataType(attributes), declared != tensor.dataType {
            report.mistyped.append("'\(name)' is \(tensor.dataType), but the symbol says \(declared)")
        }
        guard let declared = try? attributes.integers("__shape__"), !declared.isEmpty else { return }
        let fits =
            declared.count == tensor.shape.rank
            && zip(declared, tensor.shape.dimensions).allSatisfy { $0 <= 0 || $0 == $1 }
        if !fits {
            report.mismatched.append("'\(name)' is \(tensor.shape), but the symbol says (\(declared.commaSeparated))")
        }
    }

    private func value(_ entry: MXNetSymbol.Entry, _ what: String) throws -> ValueID {
        guard let value = values[MXNetSymbol.Entry(node: entry.node, output: entry.output)] else {
            throw ModelError(
                "\(what) is output \(entry.output) of '\(symbol.nodes[entry.node].name)', which does not exist")
        }
        return value
    }

    // MARK: Nodes

    private mutating func addNode(_ node: MXNetSymbol.Node, _ index: Int) throws {
        var draft = NodeDraft(
            name: node.name, op: node.op,
            attributes: Attributes(uniqueKeysWithValues: node.attributes.map { ($0, Attribute.text($1)) }), inputs: [],
            bodies: try node.subgraphs.map { try body($0, name: node.name) })
        if !node.controlDependencies.isEmpty {
            report.losses.append("'\(node.name)' has to wait for nodes whose results it does not use; that is left out")
        }
        guard let meaning = table.meaning(ofMXNet: node.op) else {
            report.addUnknown(node.op, node: node.name)
            draft.inputs = try node.inputs.map { try value($0, "an input") }
            for (entry, input) in zip(node.inputs, draft.inputs) { markIfAuxiliary(input, changed: entry.version > 0) }
            add(draft, index, outputs: max(symbol.outputCount(of: index) ?? 1, usedOutputs[index]))
            return
        }
        draft.op = meaning.definition.name
        let form = meaning.form
        let isQuantized =
            try meaning.namesQuantizedData || form.isAlwaysQuantized
            || draft.attributes.boolean("quantized") ?? false
        let ranged = isQuantized ? rangedInputs(node, draft, form) : []
        draft.inputs = try node.inputs.dropLast(2 * ranged.count).map { try value($0, "an input") }
        try meaning.definition.checkInputCount(of: draft)
        try attachRanges(node, ranged)
        draft.origins = origins(of: node, draft, isQuantized: isQuantized)
        noteMissingParameters(draft, form)
        let isTriple = isQuantized && form.quantizedOutputIsTriple(draft)
        let visible = max((symbol.outputCount(of: index) ?? 1) - form.hiddenOutputs(draft), 1)
        // Ranges are folded into the codes' grid, unless an unknown operator uses them.
        add(draft, index, outputs: isTriple ? max(1, plainlyUsedOutputs[index]) : max(visible, usedOutputs[index]))
    }

    /// Which plain inputs of a quantized node have ranges behind the plain inputs; how many those are may decide it.
    private func rangedInputs(_ node: MXNetSymbol.Node, _ draft: NodeDraft, _ form: MXNetForm) -> [Int] {
        for count in 1..<max(node.inputs.count, 1) {
            var attempt = draft
            attempt.inputs = [ValueID?](repeating: nil, count: count)
            let ranged = form.rangedInputs(attempt)
            if count + 2 * ranged.count == node.inputs.count { return ranged }
        }
        return form.rangedInputs(draft)
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
        let bounds = names.compactMap { parameters[$0] }.compactMap { graph[$0].tensor }.filter { $0.elementCount == 1 }
            .map { $0.floats()[0] }
        for entry in [low, high] { foldedRanges.insert(entry) }
        guard let value = values[codes], let tensor = graph[value].tensor else { return }
        guard bounds.count == 2 else {
            missing.formUnion(names.filter { parameters[$0] == nil })
            return
        }
        let grid = QuantizationGrid(
            parameterRange: ValueRange(bounds[0], bounds[1]),
            codeLimit: ParameterCodes.limit(of: graph[value].attributes))
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
            missing.append(graph[input].name)
        }
    }

    private func body(_ symbol: MXNetSymbol, name: String) throws -> Graph {
        var builder = SymbolTranslation(symbol, nil, table: table, name: name)
        try builder.run()
        return builder.graph
    }
}

extension MXNetSymbol {
    /// MXNet lets nodes share a name, as Gluon's layers do that are called twice; here, every node has its own. Also says
    /// what was renamed.
    fileprivate func withUniqueNames() -> (symbol: MXNetSymbol, changes: [String]) {
        var copy = self
        var taken = Set(nodes.map(\.name)), seen = Set<String>()
        var changes: [String] = []
        var counts: [String: Int] = [:]
        for (index, node) in nodes.enumerated() where !node.isVariable && !seen.insert(node.name).inserted {
            var name = node.name
            repeat {
                counts[node.name, default: 0] += 1
                name = "\(node.name)_\(counts[node.name, default: 0])"
            } while !taken.insert(name).inserted
            copy.nodes[index].name = name
            changes.append("'\(node.name)' is the name of another node, too; this one is called '\(name)'")
        }
        return (copy, changes)
    }
}
