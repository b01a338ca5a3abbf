import GraphIR
import TensorCore

/// One residual block between a convolution and a fully connected layer, in the five stages that MXNet's oneDNN
/// backend takes a model through. Names and attributes are those that MXNet 1.9.1 writes.
struct ResidualModel {
    enum Form: CaseIterable { case float, fused, quantized, calibrated, postFused }

    let form: Form
    private(set) var graph: Graph

    static func graph(_ form: Form) -> Graph { ResidualModel(form).graph }

    private init(_ form: Form) {
        self.form = form
        graph = Graph(name: "residual")
        let image = graph.addInput("data", type: ValueType(.float32, [1, 3, 28, 28]))
        let data = form == .float || form == .fused ? image : quantize("Quantize", "data_quantize", image, -2, 2)
        let conv0 = layer("conv0", 0, from: data, norm: nil, act: nil, range: (-2.25, 2))
        let conv1 = layer("conv1", 1, from: conv0, norm: "bn1", act: "relu1", range: (0, 4.5))
        let conv2 = layer("conv2", 2, from: conv1, norm: "bn2", sum: ("plus", conv0), act: "relu2", range: (0, 6.25))
        let isFloat = form == .float || form == .fused
        let real = isFloat ? conv2 : add("Dequantize", "conv2_dequantize", [:], [conv2], type: feature(.float32))
        let fc = add(
            "FullyConnected", "fc", ["num_hidden": .text("10")],
            [real, parameter("fc_weight", [10, 6272]), parameter("fc_bias", [10])], type: ValueType(.float32, [1, 10]))
        graph.setOutputs([fc])
    }

    /// A convolution with what follows it: single nodes, or one fused node and what turns its sums into codes.
    private mutating func layer(
        _ name: String, _ index: Int, from input: ValueID, norm: String?, sum: (name: String, with: ValueID)? = nil,
        act: String?, range: (Float, Float)
    ) -> ValueID {
        let window: Attributes = [
            "kernel": .text("(3, 3)"), "pad": .text("(1, 1)"), "stride": .text("(1, 1)"), "num_filter": .text("8"),
            "no_bias": .text("True"),
        ]
        let weight = parameter("\(name)_weight", [8, index == 0 ? 3 : 8, 3, 3])
        let statistics = norm.map { norm in
            ["gamma", "beta", "moving_mean", "moving_var"].map { parameter("\(norm)_\($0)", [8]) }
        } ?? []
        let steps: [(op: String, name: String?, attributes: Attributes)] = [
            ("Convolution", name, window), ("BatchNorm", norm, [:]), ("elemwise_add", sum?.name, [:]),
            ("Activation", act, ["act_type": .text("relu")]),
        ]
        func chain(
            _ target: inout ResidualModel, _ data: ValueID, _ parameters: [ValueID], _ other: ValueID?
        ) -> ValueID {
            var last = data
            for step in steps {
                guard let name = step.name else { continue }
                let inputs = switch step.op {
                case "Convolution": [last, parameters[0]]
                case "BatchNorm": [last] + parameters[1...]
                case "elemwise_add": [other ?? last, last]
                default: [last]
                }
                last = target.add(step.op, name, step.attributes, inputs, type: target.feature(.float32))
            }
            return last
        }
        if form == .float { return chain(&self, input, [weight] + statistics, sum?.with) }

        var inner = self
        inner.graph = Graph(name: "sg_mkldnn_conv_\(index)")
        let variables = (["data", "weight"] + statistics.map { graph[$0].name } + ["other"])
            .map { inner.graph.addInput($0) }
        let output = chain(&inner, variables[0], Array(variables[1...]), variables.last)
        inner.graph.setOutputs([output])

        var attributes: Attributes = [:]
        let type: ValueType
        let interval = ValueRange(range.0, range.1)
        let codes: DataType = range.0 < 0 ? .int8 : .uint8
        switch form {
        case .float, .fused: type = feature(.float32)
        case .quantized, .calibrated: type = feature(.int32, .foundAtRunTime)
        case .postFused:
            attributes = ["min_calib_range": .text("\(range.0)"), "max_calib_range": .text("\(range.1)")]
            type = feature(codes, .known(QuantizationGrid(range: interval, of: codes)))
        }
        let suffix = [norm.map { _ in "_bn" }, sum.map { _ in "_add" }, act.map { _ in "_act" }]
            .compactMap { $0 }.joined()
        let fused = "\(form == .fused ? "" : "quantized_")sg_mkldnn_conv\(suffix)_\(index)"
        let result = add(
            "FusedConvolution", fused, attributes, [input, weight] + statistics + (sum.map { [$0.with] } ?? []),
            bodies: [inner.graph], origins: steps.compactMap(\.name), type: type)
        guard form == .quantized || form == .calibrated else { return result }
        return quantize("Requantize", "requantize_sg_mkldnn_conv\(suffix)_\(index)", result, range.0, range.1)
    }

    private mutating func quantize(
        _ op: String, _ name: String, _ input: ValueID, _ min: Float, _ max: Float
    ) -> ValueID {
        let codes: DataType = min < 0 ? .int8 : .uint8
        var attributes: Attributes = ["out_type": .text("auto")]
        var grid = Quantization.foundAtRunTime
        if form != .quantized {
            attributes["min_calib_range"] = .text("\(min)")
            attributes["max_calib_range"] = .text("\(max)")
            grid = .known(QuantizationGrid(range: ValueRange(min, max), of: codes))
        }
        let shape = graph[input].type?.shape
        return add(op, name, attributes, [input], type: ValueType(codes, shape, quantization: grid))
    }

    private func feature(_ type: DataType, _ quantization: Quantization? = nil) -> ValueType {
        ValueType(type, [1, 8, 28, 28], quantization: quantization)
    }

    private mutating func parameter(_ name: String, _ shape: Shape) -> ValueID {
        graph.addParameter(name, Tensor([Float](repeating: 0, count: shape.elementCount), shape: shape))
    }

    private mutating func add(
        _ op: String, _ name: String, _ attributes: Attributes = [:], _ inputs: [ValueID], bodies: [Graph] = [],
        origins: [String]? = nil, type: ValueType
    ) -> ValueID {
        let node = graph.add(
            NodeDraft(name: name, op: op, attributes: attributes, inputs: inputs, bodies: bodies, origins: origins))
        let output = graph[node].outputs[0]
        graph.setType(type, of: output)
        return output
    }
}
