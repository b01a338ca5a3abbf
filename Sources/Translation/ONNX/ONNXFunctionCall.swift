import GraphIR
import ONNXFormat
import TensorCore

/// A function of the model is read as the nodes that it stands for.
extension ONNXTranslation {
    mutating func add(_ function: ONNXFunction, calledBy node: ONNXNode, _ inputs: [ValueID?]) throws {
        var inner = self
        inner.scopes = [[:]]
        for (name, input) in zip(function.inputs, inputs) { if let input { inner.bind(name, to: input) } }
        inner.opset = function.opsetImports.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? opset
        let nodes = try function.nodes.map { try $0.resolved(for: node, of: function, unbound: inner) }
        try inner.descend(into: node.name + "/") { try $0.add(nodes) }
        let results = function.outputs.map { inner.value(named: $0) }
        inner.takePlace(of: &self)
        for (output, result) in zip(node.outputs, results) where !output.isEmpty {
            guard let result else { throw ModelError("function \(function.name) does not compute '\(output)'") }
            bind(output, to: result)
        }
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

    /// After an excursion with other names: the graph moves back, the names do not.
    fileprivate mutating func takePlace(of outer: inout ONNXTranslation) {
        let (scopes, opset) = (outer.scopes, outer.opset)
        swap(&self, &outer)
        outer.scopes = scopes
        outer.opset = opset
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
        for caller: ONNXNode, of function: ONNXFunction, unbound scope: ONNXTranslation
    ) throws -> ONNXNode {
        var copy = self
        copy.attributes = attributes.compactMap { attribute in
            switch attribute.value {
            case .reference(let name, _):
                let value = caller.attribute(name) ?? function.attributeDefaults.first { $0.name == name }?.value
                return value.map { ONNXAttribute(attribute.name, $0) }
            case .graph(var body):
                body.nodes = body.nodes.map { (try? $0.resolved(for: caller, of: function, unbound: scope)) ?? $0 }
                return ONNXAttribute(attribute.name, .graph(body))
            default: return attribute
            }
        }
        let absent = Set(function.inputs.filter { scope.value(named: $0) == nil })
        copy.inputs = inputs.map { absent.contains($0) ? "" : $0 }
        return copy
    }
}
