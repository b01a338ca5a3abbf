import TensorCore

/// Operators that ONNX itself defines by others (the function bodies in its Operators.md), written out as these:
///
///     NegativeLogLikelihoodLoss(x, t, w)  losses l[n, …] = −x[n, t[n, …], …] · w[t[n, …]], 0 where t is ignore_index;
///                                         their sum, their mean Σ l / Σ w[t], or each
///     SoftmaxCrossEntropyLoss(x, t, w)    = NegativeLogLikelihoodLoss(p, t, w), p = x − log Σ exp x along the classes
///     Dropout with a mask                 the data as it is, and true for each of its elements
///
/// Shapes: x is N×C×…, t is N×…, w is C.
extension ONNXNode {
    /// The nodes that the node stands for; nil if it is none of these.
    public func inFunctionForm() -> [ONNXNode]? {
        guard domain.isEmpty || domain == "ai.onnx", let output = outputs.first, !output.isEmpty else { return nil }
        var form = FunctionForm(self)
        switch opType {
        case "NegativeLogLikelihoodLoss":
            guard inputs.count >= 2 else { return nil }
            form.addLoss(ofLogarithms: inputs[0])
        case "SoftmaxCrossEntropyLoss":
            guard inputs.count >= 2 else { return nil }
            let total = form.add("ReduceLogSumExp", [inputs[0]], [ONNXAttribute("axes", .ints([1]))])
            let logarithms = outputs.count > 1 && !outputs[1].isEmpty ? outputs[1] : nil
            form.addLoss(ofLogarithms: form.add("Sub", [inputs[0], total], named: logarithms))
        case "Dropout":
            guard outputs.count == 2, !outputs[1].isEmpty else { return nil }
            form.addPlain(outputs: 1)
            let shape = form.add("Shape", [output])
            let yes = ONNXAttribute("value", .tensor(ONNXTensor(name: "", Tensor([true]))))
            form.add("ConstantOfShape", [shape], [yes], named: outputs[1])
        default: return nil
        }
        return form.nodes
    }
}

/// The nodes that one node stands for, while they are being made. What they compute is named after the node.
private struct FunctionForm {
    let node: ONNXNode
    private(set) var nodes: [ONNXNode] = []

    init(_ node: ONNXNode) { self.node = node }

    /// Adds a node; returns the name of its result.
    @discardableResult
    mutating func add(
        _ type: String, _ inputs: [String], _ attributes: [ONNXAttribute] = [], named output: String? = nil
    ) -> String {
        let isResult = output == node.outputs.first
        let name = isResult ? node.name : "\(node.name)_\(type.lowercased())\(nodes.count)"
        nodes.append(
            ONNXNode(
                type, name: name, inputs: inputs, outputs: [output ?? name], attributes: attributes,
                docString: node.docString))
        return output ?? name
    }

    mutating func constant(_ tensor: Tensor) -> String {
        add("Constant", [], [ONNXAttribute("value", .tensor(ONNXTensor(name: "", tensor)))])
    }

    /// The node itself, with its first outputs only.
    mutating func addPlain(outputs count: Int) {
        var plain = node
        plain.outputs.removeLast(max(plain.outputs.count - count, 0))
        nodes.append(plain)
    }

    mutating func addLoss(ofLogarithms logarithms: String) {
        let classes = [ONNXAttribute("axes", .ints([1]))]
        let weights = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
        var targets = add("Cast", [node.inputs[1]], [ONNXAttribute("to", .int(Int(ONNXElementType.int64.rawValue)))])
        var ignored: String?
        if case .int(let index)? = node.attribute("ignore_index") {
            let isIgnored = add("Equal", [targets, constant(Tensor(scalar: Int64(index)))])
            targets = add("Where", [isIgnored, constant(Tensor(scalar: Int64(0))), targets])
            ignored = isIgnored
        }
        let indices = add("Unsqueeze", [targets], classes)
        let picked = add("GatherElements", [logarithms, indices], [ONNXAttribute("axis", .int(1))])
        var losses = add("Neg", [add("Squeeze", [picked], classes)])
        var weight = weights.map { add("Gather", [$0, targets]) }
        if let ignored {
            // Not by a weight of 0: what is ignored may be infinite.
            let zero = add("CastLike", [constant(Tensor(scalar: Float(0))), logarithms])
            losses = add("Where", [ignored, zero, losses])
            let counts = add("CastLike", [add("Not", [ignored]), logarithms])
            weight = weight.map { add("Mul", [$0, counts]) } ?? counts
        }
        if weights != nil, let weight { losses = add("Mul", [losses, weight]) }
        addReduction(of: losses, weight: weight)
    }

    private mutating func addReduction(of losses: String, weight: String?) {
        let result = node.outputs.first, drops = [ONNXAttribute("keepdims", .int(0))]
        switch (node.attribute("reduction")?.text ?? "mean", weight) {
        case ("none", _): add("Identity", [losses], named: result)
        case ("sum", _): add("ReduceSum", [losses], drops, named: result)
        case ("mean", let weight?):
            add("Div", [add("ReduceSum", [losses], drops), add("ReduceSum", [weight], drops)], named: result)
        default: add("ReduceMean", [losses], drops, named: result)
        }
    }
}
