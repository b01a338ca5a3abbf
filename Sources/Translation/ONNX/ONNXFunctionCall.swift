import GraphIR
import ONNXFormat
import TensorCore

/// A function of the model is read as the nodes that it stands for.
extension ONNXTranslation {
    mutating func add(_ function: ONNXFunction, calledBy node: ONNXNode, _ inputs: [ValueID?]) throws {
        var arguments: [String: ValueID] = [:]
        for (name, input) in zip(function.inputs, inputs) { arguments[name] = input }
        let absent = Set(function.inputs.filter { arguments[$0] == nil })
        let nodes = function.nodes.map { $0.resolved(for: node, of: function, absent: absent) }
        let results = try callScope(of: function, arguments) { inner in
            try inner.descend(into: node.name + "/") { try $0.add(nodes) }
            return function.outputs.map { inner.value(named: $0) }
        }
        for (output, result) in zip(node.outputs, results) where !output.isEmpty {
            guard let result else { throw ModelError("function \(function.name) does not compute '\(output)'") }
            bind(output, to: result)
        }
    }

    /// A function sees its arguments only, and has an opset of its own.
    private mutating func callScope<Result>(
        of function: ONNXFunction, _ arguments: [String: ValueID], _ body: (inout ONNXTranslation) throws -> Result
    ) rethrows -> Result {
        let (outerScopes, outerOpset) = (scopes, opset)
        scopes = [arguments]
        opset = function.opsetImports.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? opset
        defer { (scopes, opset) = (outerScopes, outerOpset) }
        return try body(&self)
    }

    /// Runs `body` for a graph that lies inside.
    mutating func descend<Result>(
        into part: String, _ body: (inout ONNXTranslation) throws -> Result
    ) throws -> Result {
        guard depth < Self.deepestGraph else {
            throw ModelError("graphs and functions lie more than \(Self.deepestGraph) deep in each other")
        }
        let outer = prefix
        depth += 1
        prefix += part
        defer {
            depth -= 1
            prefix = outer
        }
        return try body(&self)
    }
}

extension ONNXFunction {
    var key: String { "\(domain)\u{0}\(name)\u{0}\(overload)" }
}

extension ONNXNode {
    var functionKey: String { "\(domain)\u{0}\(opType)\u{0}\(overload)" }

    /// The node with the caller's attributes in place of the function's; an input that the caller leaves out is left
    /// out here.
    fileprivate func resolved(
        for caller: ONNXNode, of function: ONNXFunction, absent: Set<String>
    ) -> ONNXNode {
        var copy = self
        copy.attributes = attributes.compactMap { attribute in
            switch attribute.value {
            case .reference(let name, _):
                let value = caller.attribute(name) ?? function.attributeDefaults.first { $0.name == name }?.value
                return value.map { ONNXAttribute(attribute.name, $0) }
            case .graph(var body):
                body.nodes = body.nodes.map { $0.resolved(for: caller, of: function, absent: absent) }
                return ONNXAttribute(attribute.name, .graph(body))
            default: return attribute
            }
        }
        copy.inputs = inputs.map { absent.contains($0) ? "" : $0 }
        return copy
    }
}
