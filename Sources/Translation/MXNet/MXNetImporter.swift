import GraphIR
import MXNetFormat
import Operators
import OrderedCollections
import TensorCore

/// MXNet checkpoint → graph. Everything is kept: an operator that the table lacks, or that cannot read its attributes or
/// its subgraph, becomes a node with MXNet's own name.
///
/// The three tensors of a quantized value (codes, minimum, maximum) become one, and so do the three parameters of an int8
/// weight.
public struct MXNetImporter {
    private let table: OperatorTable

    /// Operators are looked up in `table`.
    public init(table: OperatorTable = .standard) { self.table = table }

    /// - Throws: `ModelError` if the symbol contradicts itself. That it lacks parameters is said in the report.
    public func graph(of checkpoint: MXNetCheckpoint, name: String) throws -> (graph: Graph, report: TranslationReport)
    {
        var builder = SymbolTranslation(checkpoint.symbol, checkpoint.parameters, table: table, name: name)
        try builder.run()
        try builder.markQuantizedNodes()
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
    /// Attribute of a node: its operator's name says that the data are codes, and nothing else does.
    static let quantized = "__quantized__"
    /// Attribute of a node: the name that it shares with another one in the file.
    static let sharedName = "__shared_name__"
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
    private var nodesNamedQuantized: [NodeID] = []
    private let hasParameters: Bool
    /// The names of nodes that other nodes of the file have, too, by their indices.
    private let sharedNames: [Int: String]
    /// For each node, one more than the highest output that anything uses.
    private let usedOutputs: [Int]
    /// The same for uses by the outputs of the model and by nodes that nothing is known of.
    private var plainlyUsedOutputs: [Int] = []
    /// The value of each entry: node, output.
    private var values: [MXNetSymbol.Entry: ValueID] = [:]
    private var usedNames = Set<String>()
    /// Parameters that operators need and do not get.
    private var missing = OrderedSet<String>()
    /// Variables that are the ranges of parameters.
    private var foldedRanges = Set<MXNetSymbol.Entry>()

    init(_ symbol: MXNetSymbol, _ parameters: MXNetParameters?, table: OperatorTable, name: String) {
        self.table = table
        (self.symbol, sharedNames) = symbol.withUniqueNames()
        let symbol = self.symbol
        hasParameters = parameters != nil
        usedOutputs = symbol.usedOutputs(symbol.nodes)
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
        let readings = try symbol.nodes.map { node in try node.isVariable ? nil : read(node) }
        plainlyUsedOutputs = symbol.usedOutputs(
            zip(symbol.nodes, readings).filter { $1 != nil && $1?.meaning == nil }.map(\.0))
        for (index, reading) in readings.enumerated() {
            let node = symbol.nodes[index]
            try Self.locating(node) {
                if let reading { try addNode(node, reading, index) } else { addVariable(node, index) }
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

    /// What a node says by itself.
    private struct Reading {
        var draft: NodeDraft
        /// Nil if nothing is known of the node.
        var meaning: OperatorTable.MXNetMeaning?
        var isQuantized = false
        /// The inputs whose ranges follow the plain inputs.
        var ranged: [Int] = []
    }

    private mutating func read(_ node: MXNetSymbol.Node) throws -> Reading {
        var draft = NodeDraft(
            name: node.name, op: node.op,
            attributes: Attributes(uniqueKeysWithValues: node.attributes.map { ($0, Attribute.text($1)) }),
            inputs: [ValueID?](repeating: nil, count: node.inputs.count),
            bodies: try Self.locating(node) { try node.subgraphs.map { try body($0, name: node.name) } })
        guard let meaning = table.meaning(ofMXNet: node.op) else {
            report.addUnknown(node.op, node: node.name)
            return Reading(draft: draft)
        }
        draft.op = meaning.definition.name
        do {
            let isQuantized =
                try meaning.namesQuantizedData || meaning.form.isAlwaysQuantized
                || draft.attributes.boolean("quantized") ?? false
            let ranged = isQuantized ? rangedInputs(node, draft, meaning.form) : []
            draft.inputs.removeLast(min(2 * ranged.count, draft.inputs.count))
            _ = try meaning.definition.inputCount(draft)
            return Reading(draft: draft, meaning: meaning, isQuantized: isQuantized, ranged: ranged)
        } catch let error as ModelError {
            let error = error.inside("node '\(node.name)' (\(node.op))")
            report.refusals.append(NodeRefusal(node: node.name, op: node.op, error: error))
            draft.op = node.op
            return Reading(draft: draft)
        }
    }

    /// Mostly, the type of the data says that they are codes, but not behind nodes that nothing is known of.
    mutating func markQuantizedNodes() throws {
        guard !nodesNamedQuantized.isEmpty else { return }
        var typed = graph
        try TypeInference(table: table).annotateWherePossible(&typed)
        for id in nodesNamedQuantized {
            guard graph[id].inputs.contains(where: { $0.map { typed[$0].type == nil } ?? false }) else { continue }
            graph.update(id) { $0.attributes[MXNetMarks.quantized] = .text("True") }
        }
    }

    private static func locating<Result>(_ node: MXNetSymbol.Node, _ body: () throws -> Result) throws -> Result {
        try TensorCore.locating("node '\(node.name)' (\(node.op))", body)
    }

    private mutating func addNode(_ node: MXNetSymbol.Node, _ reading: Reading, _ index: Int) throws {
        var draft = reading.draft
        draft.attributes[MXNetMarks.sharedName] = sharedNames[index].map { .text($0) }
        if !node.controlDependencies.isEmpty {
            report.losses.append("'\(node.name)' has to wait for nodes whose results it does not use; that is left out")
        }
        guard let meaning = reading.meaning else {
            draft.inputs = try node.inputs.map { try value($0, "an input") }
            for (entry, input) in zip(node.inputs, draft.inputs) { markIfAuxiliary(input, changed: entry.version > 0) }
            add(draft, index, outputs: max(symbol.outputCount(of: index) ?? 1, usedOutputs[index]))
            return
        }
        let form = meaning.form
        let ranged = reading.ranged
        draft.inputs = try node.inputs.dropLast(2 * ranged.count).map { try value($0, "an input") }
        try meaning.definition.checkInputCount(of: draft)
        try attachRanges(node, ranged)
        draft.origins = origins(of: node, draft, isQuantized: reading.isQuantized)
        noteMissingParameters(draft, form)
        let isTriple = reading.isQuantized && form.quantizedOutputIsTriple(draft)
        let visible = max((symbol.outputCount(of: index) ?? 1) - form.hiddenOutputs(draft), 1)
        // Ranges are folded into the codes' grid, unless a node that nothing is known of uses them.
        let id = add(
            draft, index, outputs: isTriple ? max(1, plainlyUsedOutputs[index]) : max(visible, usedOutputs[index]))
        if meaning.namesQuantizedData { nodesNamedQuantized.append(id) }
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
    @discardableResult
    private mutating func add(_ draft: NodeDraft, _ index: Int, outputs: Int) -> NodeID {
        var draft = draft
        draft.outputNames = outputs == 1 ? ["\(draft.name)_output"] : (0..<outputs).map { "\(draft.name)_output\($0)" }
        let id = graph.add(draft)
        for (output, value) in graph[id].outputs.enumerated() {
            values[MXNetSymbol.Entry(node: index, output: output)] = value
        }
        return id
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
    /// For each node, one more than the highest output that one of `users` or the outputs of the model use.
    fileprivate func usedOutputs(_ users: [Node]) -> [Int] {
        var used = [Int](repeating: 0, count: nodes.count)
        for entry in users.flatMap(\.inputs) + heads { used[entry.node] = max(used[entry.node], entry.output + 1) }
        return used
    }

    /// MXNet lets nodes share a name, as Gluon's layers do that are called twice; here, every node has its own. Also gives
    /// the names that were taken from nodes, by index.
    fileprivate func withUniqueNames() -> (symbol: MXNetSymbol, sharedNames: [Int: String]) {
        var copy = self
        var taken = Set(nodes.map(\.name)), seen = Set<String>()
        var shared: [Int: String] = [:]
        var counts: [String: Int] = [:]
        for (index, node) in nodes.enumerated() where !node.isVariable && !seen.insert(node.name).inserted {
            var name = node.name
            repeat {
                counts[node.name, default: 0] += 1
                name = "\(node.name)_\(counts[node.name, default: 0])"
            } while !taken.insert(name).inserted
            copy.nodes[index].name = name
            shared[index] = node.name
        }
        return (copy, shared)
    }
}
