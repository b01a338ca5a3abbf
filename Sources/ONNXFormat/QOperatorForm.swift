/// ONNX's QOperator form: one node that takes codes with their scales and zero points, and gives codes. Each means a
/// float operator between DequantizeLinear and QuantizeLinear, and is written out as that here:
///
///     QLinearConv(x, xs, xz, w, ws, wz, ys, yz, b)
///         = QuantizeLinear(Conv(DequantizeLinear(x, xs, xz), DequantizeLinear(w, ws, wz), DequantizeLinear(b, xs·ws)), ys, yz)
///
/// The QLinear operators of ai.onnx are in its Operators.md, those of com.microsoft in ONNX Runtime's ContribOperators.md.
extension ONNXNode {
    /// The nodes in QDQ form; nil if the node is none of these.
    public func inQDQForm() -> [ONNXNode]? {
        var form = QDQForm(self)
        switch (domain, opType) {
        case ("", "QLinearConv"), ("ai.onnx", "QLinearConv"):
            let bias = form.sumScale(1, 4, of: 8).map { form.dequantized(8, scale: $0, axis: 0) } ?? ""
            form.operate("Conv", [form.dequantized(0), form.dequantized(3, axis: 0), bias])
            form.quantize(scale: 6, zeroPoint: 7)
        case ("", "QLinearMatMul"), ("ai.onnx", "QLinearMatMul"):
            form.operate("MatMul", [form.dequantized(0, axis: -2), form.dequantized(3, axis: -1)])
            form.quantize(scale: 6, zeroPoint: 7)
        case ("com.microsoft", "QLinearAdd"), ("com.microsoft", "QLinearMul"):
            form.operate(opType == "QLinearAdd" ? "Add" : "Mul", [form.dequantized(0), form.dequantized(3)])
            form.quantize(scale: 6, zeroPoint: 7)
        case ("com.microsoft", "QLinearConcat"):
            let parts = stride(from: 2, to: inputs.count, by: 3).map { form.dequantized($0) }
            form.operate("Concat", parts)
            form.quantize(scale: 0, zeroPoint: 1)
        case ("com.microsoft", "QGemm"):
            let transposesB = attribute("transB") == .int(1)
            let bias = form.sumScale(1, 4, of: 6).map { form.dequantized(6, scale: $0, axis: 0) } ?? ""
            form.operate("Gemm", [form.dequantized(0), form.dequantized(3, axis: transposesB ? 0 : 1), bias])
            form.quantize(scale: 7, zeroPoint: 8)
        case ("com.microsoft", "MatMulIntegerToFloat"):
            let data = form.dequantized(0, scale: form.input(2), zeroPoint: form.input(4), axis: -2)
            let weights = form.dequantized(1, scale: form.input(3), zeroPoint: form.input(5), axis: -1)
            form.operate("MatMul", [data, weights])
            form.add(bias: 6)
        case ("com.microsoft", "QLinearLeakyRelu"), ("com.microsoft", "QLinearSigmoid"),
            ("com.microsoft", "QLinearAveragePool"), ("com.microsoft", "QLinearGlobalAveragePool"),
            ("com.microsoft", "QLinearSoftmax"):
            guard attribute("channels_last") ?? .int(0) == .int(0) else { return nil }
            form.operate(
                String(opType.dropFirst("QLinear".count)), [form.dequantized(0)], without: ["opset", "channels_last"])
            form.quantize(scale: 3, zeroPoint: 4)
        case ("com.microsoft", "QuantizeLinear"), ("com.microsoft", "DequantizeLinear"):
            form.operate(opType, inputs)
        default: return nil
        }
        return form.nodes
    }
}

/// The nodes of one layer in QDQ form, while they are being made.
private struct QDQForm {
    let node: ONNXNode
    private(set) var nodes: [ONNXNode] = []

    init(_ node: ONNXNode) { self.node = node }

    func input(_ index: Int) -> String { node.inputs.indices.contains(index) ? node.inputs[index] : "" }

    /// Codes, scale and zero point are inputs that follow each other.
    mutating func dequantized(_ index: Int, axis: Int? = nil) -> String {
        dequantized(index, scale: input(index + 1), zeroPoint: input(index + 2), axis: axis)
    }

    /// Empty if the codes are left out.
    mutating func dequantized(_ index: Int, scale: String, zeroPoint: String = "", axis: Int?) -> String {
        guard !input(index).isEmpty else { return "" }
        let output = "\(input(index))_DequantizeLinear_\(node.name)"
        nodes.append(
            ONNXNode(
                "DequantizeLinear", name: "\(node.name)_dequantize\(index)", inputs: [input(index), scale, zeroPoint],
                outputs: [output], attributes: axis.map { [ONNXAttribute("axis", .int($0))] } ?? []))
        return output
    }

    /// The scale of int32 sums, the product of two scales; nil if the bias that has it is left out.
    mutating func sumScale(_ first: Int, _ second: Int, of bias: Int) -> String? {
        guard !input(bias).isEmpty else { return nil }
        let output = "\(node.name)_sum_scale"
        nodes.append(ONNXNode("Mul", name: output, inputs: [input(first), input(second)], outputs: [output]))
        return output
    }

    /// The layer itself, which has the node's name.
    mutating func operate(_ type: String, _ operands: [String], without dropped: Set<String> = []) {
        nodes.append(
            ONNXNode(
                type, name: node.name, inputs: operands, outputs: node.outputs,
                attributes: node.attributes.filter { !dropped.contains($0.name) }, docString: node.docString))
    }

    /// The layer ends in codes, unless it has no scale for them.
    mutating func quantize(scale: Int, zeroPoint: Int) {
        guard !input(scale).isEmpty else { return }
        follow(with: "QuantizeLinear", suffix: "_quantize", [input(scale), input(zeroPoint)])
    }

    mutating func add(bias: Int) {
        guard !input(bias).isEmpty else { return }
        follow(with: "Add", suffix: "_bias", [input(bias)])
    }

    private mutating func follow(with type: String, suffix: String, _ operands: [String]) {
        guard let output = node.outputs.first else { return }
        let inner = "\(output)_float"
        nodes[nodes.count - 1].outputs = [inner]
        nodes.append(ONNXNode(type, name: node.name + suffix, inputs: [inner] + operands, outputs: [output]))
    }
}
