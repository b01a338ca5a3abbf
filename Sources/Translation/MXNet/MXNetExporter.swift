import GraphIR
import MXNetFormat
import Operators
import OrderedCollections
import TensorCore

/// Graph → MXNet checkpoint that MXNet 1.9.1 loads. Each quantized value becomes three tensors again.
public struct MXNetExporter {
    /// Written as `mxnet_version`: 1.9.1.
    public static let version = 10901
    private let table: OperatorTable

    /// Operators are looked up in `table`.
    public init(table: OperatorTable = .standard) { self.table = table }

    /// - Throws: `ModelError` for what MXNet cannot hold.
    public func checkpoint(of graph: Graph) throws -> MXNetCheckpoint {
        var typed = graph
        // An operator that refuses its inputs is written all the same.
        try TypeInference(table: table).annotateWherePossible(&typed)
        var builder = SymbolBuilder(graph: typed, table: table)
        try builder.run()
        var symbol = builder.symbol(version: Self.version)
        if builder.usesNumPyShapes { symbol.attributes[MXNetMarks.numPyShapes] = .integer(1) }
        return MXNetCheckpoint(symbol: symbol, parameters: builder.parameters())
    }
}

/// Something that has a line of its own in a symbol.
private enum Entity: Hashable {
    case variable(ValueID)
    case node(NodeID)
    /// The minimum or the maximum of an int8 parameter.
    case bound(ValueID, isMaximum: Bool)
}

/// Lists the entities of a graph depth first from its outputs, as nnvm does.
private struct SymbolBuilder {
    let graph: Graph
    let table: OperatorTable
    private var nodes: [MXNetSymbol.Node] = []
    private var rowPointer = [0]
    private var positions: [Entity: Int] = [:]
    private var auxiliaries = Set<ValueID>()
    /// How many nodes so far change a state.
    private var versions: [Entity: Int] = [:]
    private var heads: [MXNetSymbol.Entry] = []

    init(graph: Graph, table: OperatorTable) {
        self.graph = graph
        self.table = table
    }

    var usesNumPyShapes: Bool { graph.metadata[MXNetMarks.numPyShapes] == "1" }

    func symbol(version: Int?) -> MXNetSymbol {
        MXNetSymbol(
            nodes: nodes, argumentNodes: nodes.indices.filter { nodes[$0].isVariable }, nodeRowPointer: rowPointer,
            heads: heads, version: version)
    }

    mutating func run() throws {
        for output in graph.outputs {
            let head = entry(output)
            try visit(head.entity)
            heads.append(MXNetSymbol.Entry(node: positions[head.entity] ?? 0, output: head.output))
        }
    }

    private typealias Edge = (entity: Entity, output: Int)

    private func entry(_ value: ValueID) -> Edge {
        if let producer = graph[value].producer { return (.node(producer), graph[value].outputIndex) }
        return (.variable(value), 0)
    }

    /// Places an entity after everything that it uses.
    private mutating func visit(_ root: Entity) throws {
        guard positions[root] == nil else { return }
        var stack: [(entity: Entity, edges: [Edge], next: Int)] = [(root, try edges(of: root), 0)]
        var seen: Set<Entity> = [root]
        while let (entity, edges, next) = stack.last {
            guard next < edges.count else {
                try place(entity, edges)
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].next += 1
            let child = edges[next].entity
            if positions[child] == nil, seen.insert(child).inserted {
                stack.append((child, try self.edges(of: child), 0))
            }
        }
    }

    /// What an entity uses, ranges included.
    private func edges(of entity: Entity) throws -> [Edge] {
        guard case .node(let id) = entity else { return [] }
        let node = graph[id]
        var edges = try node.inputs.enumerated().map { index, input -> Edge in
            guard let input else {
                throw ModelError(
                    "leaves out input \(index), which MXNet cannot say", at: "node '\(node.name)' (\(node.op))")
            }
            return entry(input)
        }
        guard let form = table[node.op]?.mxnet, isQuantized(node, form) else { return edges }
        for index in form.rangedInputs(node) {
            guard let input = node.inputs[index] else { continue }
            if graph[input].producer != nil {
                edges += [(edges[index].entity, 1), (edges[index].entity, 2)]
            } else {
                edges += [(.bound(input, isMaximum: false), 0), (.bound(input, isMaximum: true), 0)]
            }
        }
        return edges
    }

    /// The type of the data decides; where it is not known, as behind an operator that the table lacks, the file.
    private func isQuantized(_ node: Node, _ form: MXNetForm) -> Bool {
        if form.isAlwaysQuantized { return true }
        let types = form.rangedInputs(node).filter(node.inputs.indices.contains).compactMap { node.inputs[$0] }
            .map { graph[$0].type }
        if types.contains(where: { $0?.isQuantized ?? false }) { return true }
        guard types.contains(nil) else { return false }
        return node.attributes[MXNetMarks.quantized] != nil || ((try? node.attributes.boolean("quantized")) ?? false)
    }

    /// The name in the file, where nodes may share one.
    private static func name(of node: Node) -> String {
        guard let shared = node.attributes[MXNetMarks.sharedName]?.description, node.name.hasPrefix(shared + "_"),
            node.name.dropFirst(shared.count + 1).allSatisfy(\.isNumber)
        else { return node.name }
        return shared
    }

    private mutating func place(_ entity: Entity, _ edges: [Edge]) throws {
        positions[entity] = nodes.count
        switch entity {
        case .variable(let id):
            let attributes = attributes(of: graph[id]).merging(hints(graph[id])) { given, _ in given }
            nodes.append(MXNetSymbol.Node(op: "null", name: graph[id].name, attributes: attributes))
            rowPointer.append(rowPointer[nodes.count - 1] + 1)
        case .bound(let id, let isMaximum):
            nodes.append(MXNetSymbol.Node(op: "null", name: Self.boundName(graph[id].name, isMaximum)))
            rowPointer.append(rowPointer[nodes.count - 1] + 1)
        case .node(let id): try place(graph[id], edges)
        }
    }

    private mutating func place(_ node: Node, _ edges: [Edge]) throws {
        let form = table[node.op]?.mxnet
        if table[node.op] != nil, form == nil {
            throw ModelError("MXNet has no operator for it", at: "node '\(node.name)' (\(node.op))")
        }
        let isQuantized = form.map { self.isQuantized(node, $0) } ?? false
        let auxiliary = Set(
            form?.auxiliaryInputs(node) ?? node.inputs.indices.filter { isMarkedAuxiliary(node.inputs[$0]) })
        for index in auxiliary { if let input = node.inputs[index] { auxiliaries.insert(input) } }
        let inputs = edges.enumerated().map { index, edge in
            if auxiliary.contains(index) && !isInsideBody { versions[edge.entity, default: 0] += 1 }
            return MXNetSymbol.Entry(
                node: positions[edge.entity] ?? 0, output: edge.output,
                version: auxiliary.contains(index) ? versions[edge.entity, default: 0] : 0)
        }
        let op = (isQuantized ? form?.quantizedName : nil) ?? form?.names.first ?? node.op
        nodes.append(
            MXNetSymbol.Node(
                op: op, name: Self.name(of: node), attributes: try attributes(of: node), inputs: inputs,
                subgraphs: try node.bodies.map { try body($0) }))
        let outputs: Int =
            if let form {
                isQuantized && form.quantizedOutputIsTriple(node) ? 3 : node.outputs.count + hiddenOutputs(node, form)
            } else { node.outputs.count }
        rowPointer.append(rowPointer[nodes.count - 1] + outputs)
    }

    private func isMarkedAuxiliary(_ value: ValueID?) -> Bool {
        value.map { graph[$0].attributes[MXNetMarks.auxiliary] != nil } ?? false
    }

    private func attributes(of variable: Value) -> OrderedDictionary<String, String> {
        variable.attributes.filter { $0.key != MXNetMarks.auxiliary }.mapValues(\.description)
    }

    /// `__shape__` and `__dtype__` of constants that another format stores where MXNet has none: MXNet finds the shapes
    /// of weights, but not that of an addition's operand, and Module needs all of them before it reads the parameters.
    private func hints(_ variable: Value) -> OrderedDictionary<String, String> {
        guard graph.metadata["format"] == "ONNX", let tensor = variable.tensor.map(storable) else { return [:] }
        let areInferred = variable.uses.contains { use in
            let node = graph[use.node]
            guard let form = table[node.op]?.mxnet else { return false }
            return (form.parameterInputs(node) + form.auxiliaryInputs(node)).contains(use.index)
        }
        guard !areInferred else { return [:] }
        let extents = tensor.shape.dimensions
        return [
            "__shape__": "(\(extents.commaSeparated)\(extents.count == 1 ? "," : ""))",
            "__dtype__": String(tensor.dataType.mxnetTypeFlag),
        ]
    }

    private func hiddenOutputs(_ node: Node, _ form: MXNetForm) -> Int {
        max(form.hiddenOutputs(node) + 1 - node.outputs.count, 0)
    }

    private func attributes(of node: Node) throws -> OrderedDictionary<String, String> {
        if node.attributes["step"] != nil, node.attributes["zero_point"] != nil {
            throw ModelError(
                "its codes have a step and a zero point; MXNet knows ranges only",
                at: "node '\(node.name)' (\(node.op))",
                advice: "only codes without a zero point, of layers in QDQ form, can be brought to MXNet")
        }
        let attributes = try table[node.op]?.mxnet?.attributes(NodeReader(node, in: graph)) ?? node.attributes
        return attributes.filter { ![MXNetMarks.quantized, MXNetMarks.sharedName].contains($0.key) }
            .mapValues(\.description)
    }

    private func body(_ body: Graph) throws -> MXNetSymbol {
        var builder = SymbolBuilder(graph: body, table: table)
        builder.isInsideBody = true
        try builder.run()
        return builder.symbol(version: nil)
    }

    /// The variables of a subgraph are not changed by anyone: their version is 0.
    private var isInsideBody = false

    private static func boundName(_ parameter: String, _ isMaximum: Bool) -> String {
        parameter + (isMaximum ? "_max" : "_min")
    }

    /// Before NumPy's shapes, MXNet took an array without dimensions for none at all.
    private func storable(_ tensor: Tensor) -> Tensor {
        tensor.shape.rank == 0 && !usesNumPyShapes ? tensor.reshaped([1]) : tensor
    }

    /// Whoever runs MXNet's NumPy operators does so within `np_shape`, where MXNet 1.9.1 loads only the layout of NumPy's
    /// shapes; outside, where it loads all other models, only the older one.
    private func stored(_ tensor: Tensor, within numPyShapes: Bool) -> MXNetArray {
        var array = MXNetArray(storable(tensor))
        if numPyShapes { array.version = .v3 }
        return array
    }

    private var hasNumPyOperators: Bool {
        graph.nodes.contains { node in ["_np_", "_npi_", "_npx_"].contains { node.op.hasPrefix($0) } }
    }

    /// In the order of the graph, which is that of the file if there was one; the range of an int8 parameter behind it.
    func parameters() -> MXNetParameters {
        let numPyShapes = usesNumPyShapes && hasNumPyOperators
        var entries: [MXNetParameters.Entry] = []
        for value in graph.parameters {
            guard let tensor = value.tensor else { continue }
            let isAuxiliary = auxiliaries.contains(value.id) || isMarkedAuxiliary(value.id)
            let kind: MXNetParameters.Kind = isAuxiliary ? .auxiliary : .argument
            entries.append(.init(name: kind.rawValue + value.name, array: stored(tensor, within: numPyShapes)))
            guard let range = value.type?.quantization?.grid?.range else { continue }
            for (isMaximum, bound) in [(false, range.min), (true, range.max)] {
                let name = kind.rawValue + Self.boundName(value.name, isMaximum)
                entries.append(.init(name: name, array: stored(Tensor([bound]), within: numPyShapes)))
            }
        }
        return MXNetParameters(entries: entries)
    }
}
