/// QDQ form → QOperator form, the way back of `QOperatorForm`:
///
///     DequantizeLinear(x), DequantizeLinear(w) → Conv [→ Relu] → QuantizeLinear   = QLinearConv
///     DequantizeLinear(a), DequantizeLinear(b) → MatMul [→ Relu] → QuantizeLinear = QLinearMatMul
///     DequantizeLinear(x) → Reshape, MaxPool, … → QuantizeLinear, both on one grid = Reshape, MaxPool, … of codes
///
/// ai.onnx has no more than that. com.microsoft has QGemm, QLinearAdd and others, which not every runtime knows.
public struct QOperatorWriting {
    /// The operators of com.microsoft that were used.
    public private(set) var microsoftOperators: Set<String> = []
    /// Layers between DequantizeLinear and QuantizeLinear for which there is no operator.
    public private(set) var remaining: [String] = []
    private let usesMicrosoft: Bool

    private var nodes: [ONNXNode?] = []
    private var producers: [String: Int] = [:]
    private var users: [String: [Int]] = [:]
    private var outputs: Set<String> = []
    private var constants: [String: ONNXTensor] = [:]

    /// - Parameter usesMicrosoft: whether operators of com.microsoft may be used.
    public init(usesMicrosoft: Bool) { self.usesMicrosoft = usesMicrosoft }

    /// Rewrites a graph.
    public mutating func rewrite(_ graph: inout ONNXGraph) {
        nodes = graph.nodes
        outputs = Set(graph.outputs.map(\.name))
        constants = Dictionary(graph.initializers.map { ($0.name, $0) }) { first, _ in first }
        for (index, node) in graph.nodes.enumerated() {
            for output in node.outputs { producers[output] = index }
            for input in Set(node.inputs) { users[input, default: []].append(index) }
        }
        for (index, node) in graph.nodes.enumerated() where node.domain.isEmpty {
            guard let unit = QuantizedUnit(index, in: self) else { continue }
            guard let layer = layer(for: unit) else {
                remaining.append(node.name)
                continue
            }
            if layer.domain == Self.microsoft { microsoftOperators.insert(layer.opType) }
            // Everything that it uses has been made before its Quantize.
            for replaced in unit.chain { nodes[replaced] = nil }
            nodes[unit.quantize] = layer
        }
        dropUnusedDequantizes()
        let used = Set(nodes.compactMap { $0 }.flatMap { $0.inputs + $0.outputs }).union(outputs)
        graph.nodes = nodes.compactMap { $0 }
        graph.initializers.removeAll { !used.contains($0.name) }
        graph.valueInfo.removeAll { !used.contains($0.name) }
    }

    private mutating func dropUnusedDequantizes() {
        let used = Set(nodes.compactMap { $0 }.flatMap(\.inputs)).union(outputs)
        for (index, node) in nodes.enumerated() where node?.opType == "DequantizeLinear" {
            if let node, !node.outputs.contains(where: used.contains) { nodes[index] = nil }
        }
    }

    // MARK: What stands between

    /// Codes with their scale and zero point, by name.
    fileprivate struct Codes {
        var names: [String]
        var axis: Int?
        var scale: String { names[1] }
        var zeroPoint: String { names[2] }
    }

    fileprivate struct QuantizedUnit {
        var node: ONNXNode
        var operands: [Codes?]
        /// The node and the Relu that its Quantize performs, as indices.
        var chain: [Int]
        var quantize: Int
        var result: Codes
    }

    fileprivate func dequantized(_ name: String) -> Codes? {
        guard let producer = producers[name], let node = nodes[producer], node.opType == "DequantizeLinear",
            node.inputs.count == 3, node.attribute("block_size") ?? .int(0) == .int(0)
        else { return nil }
        guard case .int(let axis)? = node.attribute("axis") else { return Codes(names: node.inputs, axis: 1) }
        return Codes(names: node.inputs, axis: axis)
    }

    /// The index of the only node that uses a value.
    fileprivate func soleUser(_ name: String) -> Int? {
        guard !outputs.contains(name), let indices = users[name], indices.count == 1 else { return nil }
        return nodes[indices[0]] == nil ? nil : indices[0]
    }

    /// Whether two constants are the same.
    fileprivate func agree(_ a: String, _ b: String) -> Bool {
        guard let a = constants[a], let b = constants[b] else { return false }
        return a.elementType == b.elementType && a.payload == b.payload
    }

    /// Whether a zero point is the smallest code of its type, so that saturation does what Relu does.
    fileprivate func isLowest(_ zeroPoint: String) -> Bool {
        guard let tensor = try? constants[zeroPoint]?.tensor() else { return false }
        return tensor.asInts().allSatisfy { $0 == (tensor.dataType == .uint8 ? 0 : -128) }
    }

    private func isScalar(_ name: String) -> Bool { constants[name]?.shape.elementCount == 1 }

    // MARK: What it becomes

    private static let microsoft = "com.microsoft"
    /// They only move codes.
    private static let moving: Set = [
        "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Gather", "Expand",
    ]

    private func layer(for unit: QuantizedUnit) -> ONNXNode? {
        let node = unit.node, operands = unit.operands.map { $0?.names ?? [] }
        let grid = Array(unit.result.names.dropFirst())
        switch node.opType {
        case "Conv":
            guard let bias = biasCodes(unit), unit.operands[1]?.axis == 0 || isScalar(operands[1][1]) else {
                return nil
            }
            return made("QLinearConv", unit, operands[0] + operands[1] + grid + bias)
        case "MatMul":
            guard isScalar(operands[0][1]), isScalar(operands[1][1]) else { return nil }
            return made("QLinearMatMul", unit, operands[0] + operands[1] + grid)
        case "Gemm" where usesMicrosoft:
            guard let bias = biasCodes(unit), node.attribute("beta") ?? .float(1) == .float(1) else { return nil }
            return made(
                "QGemm", unit, operands[0] + operands[1] + (bias.isEmpty ? [""] : bias) + grid,
                domain: Self.microsoft, without: ["beta"])
        case _ where Self.moving.contains(node.opType):
            guard let source = unit.operands[0], isOneGrid(source, unit.result) else { return nil }
            return made(node.opType, unit, [source.names[0]] + node.inputs.dropFirst())
        case "Concat" where unit.operands.allSatisfy { $0.map { isOneGrid($0, unit.result) } ?? false }:
            return made("Concat", unit, operands.map { $0[0] })
        case "Concat" where usesMicrosoft:
            return made("QLinearConcat", unit, grid + operands.flatMap { $0 }, domain: Self.microsoft)
        case "Add" where usesMicrosoft, "Mul" where usesMicrosoft:
            return made("QLinear\(node.opType)", unit, operands.flatMap { $0 } + grid, domain: Self.microsoft)
        case "AveragePool" where usesMicrosoft, "GlobalAveragePool" where usesMicrosoft,
            "LeakyRelu" where usesMicrosoft, "Sigmoid" where usesMicrosoft:
            return made("QLinear\(node.opType)", unit, operands[0] + grid, domain: Self.microsoft)
        default: return nil
        }
    }

    private func isOneGrid(_ a: Codes, _ b: Codes) -> Bool {
        agree(a.scale, b.scale) && agree(a.zeroPoint, b.zeroPoint)
    }

    /// The layer's bias, if it is int32 on the product of the other scales; nil if it is anything else.
    private func biasCodes(_ unit: QuantizedUnit) -> [String]? {
        guard unit.node.inputs.count > 2, !unit.node.inputs[2].isEmpty else { return [] }
        guard let bias = unit.operands[2], constants[bias.names[0]]?.elementType == .int32,
            let x = scales(unit.operands[0]), let w = scales(unit.operands[1]), let b = scales(bias), x.count == 1,
            b.count == 1 || w.count == 1 || b.count == w.count
        else { return nil }
        let fits = (0..<max(b.count, w.count)).allSatisfy { index in
            let product = x[0] * w[w.count == 1 ? 0 : index], scale = b[b.count == 1 ? 0 : index]
            return abs(scale - product) <= 1e-6 * abs(product)
        }
        return fits ? [bias.names[0]] : nil
    }

    private func scales(_ codes: Codes?) -> [Float]? {
        codes.flatMap { try? constants[$0.scale]?.tensor().floats() }
    }

    private func made(
        _ type: String, _ unit: QuantizedUnit, _ inputs: [String], domain: String = "", without dropped: [String] = []
    ) -> ONNXNode {
        ONNXNode(
            type, name: unit.node.name, domain: domain, inputs: inputs, outputs: [unit.result.names[0]],
            attributes: unit.node.attributes.filter { !dropped.contains($0.name) }, docString: unit.node.docString)
    }
}

extension QOperatorWriting.QuantizedUnit {
    /// Nil unless the node at `index` takes its data from DequantizeLinear and gives it to one QuantizeLinear.
    fileprivate init?(_ index: Int, in graph: QOperatorWriting) {
        guard let node = graph.nodes[index], node.outputs.count == 1, node.opType != "QuantizeLinear",
            var next = graph.soleUser(node.outputs[0])
        else { return nil }
        var chain = [index]
        if let relu = graph.nodes[next], relu.opType == "Relu", let last = graph.soleUser(relu.outputs[0]) {
            chain.append(next)
            next = last
        }
        guard let quantize = graph.nodes[next], quantize.opType == "QuantizeLinear", quantize.inputs.count == 3,
            chain.count == 1 || graph.isLowest(quantize.inputs[2])
        else { return nil }
        // Shapes, axes and the like are no data.
        let data = ["Conv", "Gemm", "MatMul", "Add", "Mul", "Concat"].contains(node.opType) ? node.inputs.count : 1
        let operands = node.inputs.prefix(data).map { graph.dequantized($0) }
        guard !operands.isEmpty, zip(operands, node.inputs).allSatisfy({ $0 != nil || $1.isEmpty }) else { return nil }
        self.init(
            node: node, operands: operands, chain: chain, quantize: next,
            result: QOperatorWriting.Codes(names: quantize.outputs + quantize.inputs.dropFirst()))
    }
}
