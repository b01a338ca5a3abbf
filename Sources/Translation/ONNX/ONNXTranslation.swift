import GraphIR
import ONNXFormat
import Operators
import TensorCore

/// The translation of one ONNX model, graph within graph.
struct ONNXTranslation {
    let table: OperatorTable
    let evaluation: NodeEvaluation
    var graph: Graph
    var report = TranslationReport()
    /// The values that a name means, the innermost graph last; inner graphs see the names of outer ones.
    var scopes: [[String: ValueID]] = [[:]]
    /// Which version of the default domain the nodes at hand mean.
    var opset: Int
    /// Stands before the names of what inner graphs and functions compute, so that they differ.
    var prefix = ""
    let functions: [String: ONNXFunction]
    /// How deep the graph at hand lies within others.
    var depth = 0
    /// Nodes in the order in which they were added, to take them back where a loop turns out not to be known.
    var added: [NodeID] = []
    private var translatedNodes = 0
    /// What the file says of the types of values.
    private var declaredTypes: [String: ValueType] = [:]

    /// Loops and functions can make a small file large.
    private static let largestModel = 2_000_000
    static let deepestGraph = 32

    init(_ model: ONNXModel, name: String, table: OperatorTable, evaluation: NodeEvaluation) {
        self.table = table
        self.evaluation = evaluation
        graph = Graph(name: name)
        opset = model.opsetVersion() ?? 1
        functions = Dictionary(model.functions.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func run(_ body: ONNXGraph, shapes: [String: Shape], values: [String: Tensor]) throws {
        try addInitializers(of: body)
        for input in body.inputs where scopes[0][input.name] == nil {
            if let tensor = values[input.name] {
                scopes[0][input.name] = graph.addParameter(input.name, tensor)
            } else {
                var type = input.valueType
                if let shape = shapes[input.name] { type = ValueType(type?.dataType ?? .float32, shape) }
                scopes[0][input.name] = graph.addInput(input.name, type: type)
            }
        }
        for info in body.valueInfo + body.outputs { declaredTypes[info.name] = info.valueType }
        try add(body.nodes)
        graph.setOutputs(try body.outputs.map { try output($0.name) })
        dropAbsorbed(body)
    }

    mutating func addInitializers(of body: ONNXGraph) throws {
        for tensor in body.initializers {
            scopes[scopes.count - 1][tensor.name] = graph.addParameter(prefix + tensor.name, try tensor.tensor())
        }
        for sparse in body.sparseInitializers {
            let name = sparse.values.name
            scopes[scopes.count - 1][name] = graph.addParameter(prefix + name, try sparse.densified())
        }
    }

    mutating func add(_ nodes: [ONNXNode]) throws {
        for node in Self.withUniqueNames(nodes) {
            try locating("node '\(prefix)\(node.name)' (\(node.opType))") {
                translatedNodes += 1
                guard translatedNodes <= Self.largestModel else {
                    throw ModelError("its loops and functions come to more than \(Self.largestModel) nodes")
                }
                try add(node)
            }
        }
    }

    // MARK: Names

    func value(named name: String) -> ValueID? {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return nil
    }

    func requiredValue(named name: String) throws -> ValueID {
        guard let value = value(named: name) else { throw ModelError("nothing computes '\(name)'") }
        return value
    }

    mutating func bind(_ name: String, to value: ValueID) {
        if !name.isEmpty { scopes[scopes.count - 1][name] = value }
    }

    /// The elements of a value that is known.
    func constant(_ value: ValueID?) -> Tensor? { value.flatMap { graph[$0].tensor } }

    /// The value of an output of the model, under the output's name.
    private mutating func output(_ name: String) throws -> ValueID {
        guard let value = value(named: name) else { throw ModelError("nothing computes the output '\(name)'") }
        guard graph[value].name != name, graph.value(named: name) == nil else { return value }
        if let tensor = graph[value].tensor { return graph.addParameter(name, tensor) }
        let isAlias = graph[value].producer == nil || scopes[0][graph[value].name] == value
        guard isAlias else {
            graph.update(value, name: name)
            return value
        }
        return try addNode("_copy", [:], [value], name: name, outputName: name)
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
    private mutating func dropAbsorbed(_ body: ONNXGraph) {
        let outputs = Set(body.outputs.map(\.name))
        let mentioned = Set(body.nodes.flatMap(\.inputs)).union(outputs)
        let stored = body.initializers.map(\.name) + body.sparseInitializers.map(\.values.name)
        report.superfluous = stored.filter { !mentioned.contains($0) }
        graph.removeUnusedVariables(
            graph.parameters.filter {
                $0.uses.isEmpty && !report.superfluous.contains($0.name) && !outputs.contains($0.name)
            }
            .map(\.id))
    }

    // MARK: Nodes

    private mutating func add(_ node: ONNXNode) throws {
        var inputs = try node.inputs.map { $0.isEmpty ? nil : try requiredValue(named: $0) }
        while case .some(nil) = inputs.last { inputs.removeLast() }
        if let function = functions[node.functionKey] { return try add(function, calledBy: node, inputs) }
        if let nodes = node.inQDQForm() ?? node.inFunctionForm() { return try nodes.forEach { try add($0) } }
        if node.domain.isEmpty || node.domain == "ai.onnx", try addSpecial(node, inputs) { return }
        let first = added.count
        if try !read(node, inputs) {
            let draft = opaque(node, inputs)
            report.addUnknown(draft.op, node: draft.name)
            added.append(graph.add(draft))
        }
        for output in node.outputs where !output.isEmpty {
            if let value = graph.lastValue(named: prefix + output) { bind(output, to: value) }
        }
        for id in added[first...] { try settle(id) }
    }

    /// The nodes that are no operators: names for values, and graphs within graphs.
    private mutating func addSpecial(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> Bool {
        switch node.opType {
        case "Identity":
            guard let input = inputs.first ?? nil, let output = node.outputs.first else { return false }
            bind(output, to: input)
            return true
        case "Cast":
            // Some tools write casts of codes to the type that they have.
            guard case .int(let type)? = node.attribute("to"), let input = inputs.first ?? nil,
                let output = node.outputs.first, let known = graph[input].type?.dataType,
                ONNXElementType(rawValue: Int32(clamping: type))?.dataType == known
            else { return false }
            bind(output, to: input)
            return true
        case "Constant":
            guard let output = node.outputs.first, let tensor = try node.constantValue() else { return false }
            bind(output, to: graph.addParameter(prefix + output, tensor))
            return true
        case "If", "Loop", "Scan": return try addControlFlow(node, inputs)
        default: return false
        }
    }

    /// Finds the types of a node's results, and the results themselves where they are known already.
    mutating func settle(_ id: NodeID) throws {
        guard graph.contains(id) else { return }
        let node = graph[id]
        guard let definition = table[node.op] else { return declareTypes(of: node) }
        let isTyped = node.inputs.allSatisfy { $0.map { graph[$0].type != nil } ?? true }
        do {
            let types = isTyped ? try definition.inferTypes(NodeReader(node, in: graph)) : []
            for (output, type) in zip(node.outputs, types) { graph.setType(type, of: output) }
            declareTypes(of: node)
            guard isTyped, let results = try evaluation.results(of: node, in: graph),
                results.count == node.outputs.count
            else { return }
            graph.fold(id, into: results)
        } catch let error as ModelError {
            // Whoever has to run the node is told; what does not need it goes on.
            report.losses.append("'\(node.name)' (\(node.op)): \(error)")
            declareTypes(of: node)
        }
    }

    /// What the file says of types where they are not inferred.
    private mutating func declareTypes(of node: Node) {
        for output in node.outputs where graph[output].type?.shape == nil && prefix.isEmpty {
            guard let declared = declaredTypes[graph[output].name] else { continue }
            if graph[output].type == nil
                || graph[output].type?.dataType == declared.dataType && graph[output].type?.quantization == nil
            {
                graph.setType(declared, of: output)
            }
        }
    }

    /// Lets the operator of the table read the node; false if there is none, or if it refuses.
    private mutating func read(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> Bool {
        guard let mapping = table.mapping(ofONNX: node.qualifiedType) else { return false }
        // The graph moves into the reading and back, so that it is never copied.
        var reading = ONNXReading(node.prefixed(by: prefix), opset: opset, inputs: inputs, graph: graph)
        graph = Graph()
        var draftToAdd: NodeDraft?
        defer {
            graph = reading.graph
            added += reading.added
            if let draftToAdd { added.append(graph.add(draftToAdd)) }
        }
        do {
            try mapping.read(&reading)
            guard let draft = reading.draft else {
                reading.discardAdded()
                return false
            }
            let definition = try table.definition(of: draft.op)
            try definition.checkInputCount(of: draft)
            // MXNet's operators cannot leave out an input before another.
            guard definition.mxnet == nil || !draft.inputs.contains(nil) else {
                throw ModelError("leaves out an input that is needed")
            }
            draftToAdd = draft
            return true
        } catch let error as ModelError {
            // It can still be inspected and drawn; whoever has to run it is told why it cannot be.
            reading.discardAdded()
            report.losses.append("'\(reading.name)' (\(node.opType)) stays as it is: \(error)")
            return false
        }
    }

    func opaque(_ node: ONNXNode, _ inputs: [ValueID?]) -> NodeDraft {
        var attributes: Attributes = [:]
        for attribute in node.attributes { attributes[attribute.name] = self.attribute(attribute.value) }
        // An operator of MXNet's that has the same name would take the node for its own.
        let type = node.qualifiedType
        return NodeDraft(
            name: prefix + node.name, op: table[type] == nil ? type : "ai.onnx.\(type)",
            attributes: attributes, inputs: inputs, outputNames: node.outputs.map { $0.isEmpty ? "" : prefix + $0 })
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
}

extension ONNXNode {
    /// `Conv`, or `com.microsoft.QGemm`.
    fileprivate var qualifiedType: String {
        domain.isEmpty || domain == "ai.onnx" ? opType : "\(domain).\(opType)"
    }

    /// Under names that no other graph has. Its inputs are known by their values.
    fileprivate func prefixed(by prefix: String) -> ONNXNode {
        if prefix.isEmpty { return self }
        var copy = self
        copy.name = prefix + name
        copy.outputs = outputs.map { $0.isEmpty ? "" : prefix + $0 }
        return copy
    }

    /// What a Constant holds; nil if it is not a tensor that can be held.
    fileprivate func constantValue() throws -> Tensor? {
        for attribute in attributes {
            switch (attribute.name, attribute.value) {
            case ("value", .tensor(let tensor)): return try tensor.tensor()
            case ("sparse_value", .sparseTensor(let sparse)): return try sparse.densified()
            case ("value_float", .float(let number)): return Tensor(scalar: number)
            case ("value_floats", .floats(let numbers)): return Tensor(numbers)
            case ("value_int", .int(let number)): return Tensor(scalar: Int64(number))
            case ("value_ints", .ints(let numbers)): return Tensor(numbers.map { Int64($0) })
            default: continue
            }
        }
        return nil
    }
}

extension ONNXValueInfo {
    /// Nil if it is no tensor of a known element type; without a shape if an extent is open.
    var valueType: ValueType? {
        guard case .tensor(let element, let dimensions)? = type, let dataType = element.dataType else { return nil }
        let extents = (dimensions ?? []).map { dimension -> Int? in
            if case .known(let extent) = dimension { extent } else { nil }
        }
        guard dimensions != nil, extents.allSatisfy({ $0 != nil }) else { return ValueType(dataType, nil) }
        return ValueType(dataType, try? Shape(checking: extents.compactMap { $0 }))
    }
}
