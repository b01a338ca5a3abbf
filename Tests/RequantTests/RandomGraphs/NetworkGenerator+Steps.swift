import GraphIR
import TensorCore

@testable import Operators

/// The steps that are proposed: those that MXNet's quantization touches, most often, and any example of the table.
extension NetworkGenerator {
    typealias Operand = RandomNetwork.Operand
    typealias Step = RandomNetwork.Step

    mutating func propose(_ value: Operand, _ shape: Shape) -> Step? {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<24: convolution(value, shape)
        case 24..<34: batchNorm(value, shape)
        case 34..<46: activation(value, shape)
        case 46..<54: pooling(value, shape)
        case 54..<68: arithmetic(value, shape)
        case 68..<74: concat(value, shape)
        case 74..<81: fullyConnected(value, shape)
        case 81..<90: shaping(value, shape)
        default: example(value, shape)
        }
    }

    private func step(
        _ name: String, _ op: String, _ operands: [Operand], _ attributes: KeyValuePairs<String, Any>
    ) -> Step {
        var texts: Attributes = [:]
        for (key, value) in attributes {
            switch value {
            case let flag as Bool: texts[key] = .text(flag ? "True" : "False")
            case let tuple as [Int]:
                texts[key] = .text(tuple.count == 1 ? "(\(tuple[0]),)" : "(\(tuple.commaSeparated))")
            default: texts[key] = .text("\(value)")
            }
        }
        return Step(name: "\(name)\(number)", op: op, attributes: texts, operands: operands)
    }

    private mutating func integers(_ count: Int, _ range: ClosedRange<Int>) -> [Int] {
        (0..<count).map { _ in Int.random(in: range, using: &random) }
    }

    // MARK: Layers

    private mutating func convolution(_ value: Operand, _ shape: Shape) -> Step? {
        guard 3...5 ~= shape.rank else { return nil }
        let channels = shape[1], axes = shape.rank - 2, extents = shape.dimensions.dropFirst(2)
        let kernel = extents.map { random.chance(0.1) ? $0 : min($0, random.pick([1, 2, 3, 3])) }
        let groups = random.chance(0.25) ? random.pick((1...channels).filter { channels % $0 == 0 }) : 1
        let filters = random.chance(0.4) ? channels : groups * random.pick([1, 2, 3])
        let hasBias = random.chance(0.6)
        let weight = weights("conv", Shape([filters, channels / groups] + kernel))
        var operands = [value, weight]
        if hasBias { operands.append(.parameter("conv\(number)_bias", elements([filters], -0.5...0.5))) }
        // Most convolutions keep the extents, so that their results can be added.
        let keeps = random.chance(0.6)
        return step(
            "conv", "Convolution", operands,
            [
                "dilate": keeps ? Array(repeating: 1, count: axes) : integers(axes, 1...2), "kernel": Array(kernel),
                "no_bias": !hasBias, "num_filter": filters, "num_group": groups,
                "pad": keeps ? kernel.map { ($0 - 1) / 2 } : integers(axes, 0...1),
                "stride": keeps ? Array(repeating: 1, count: axes) : integers(axes, 1...2),
            ])
    }

    /// At times those of another layer.
    private mutating func weights(_ name: String, _ shape: Shape) -> Operand {
        let known = network.steps.compactMap { $0 }.filter { $0.name.hasPrefix(name) }.map { $0.operands[1] }
            .filter { if case .parameter(_, let tensor) = $0 { tensor.shape == shape } else { false } }
        if !known.isEmpty, random.chance(0.3) { return random.pick(known) }
        return .parameter("\(name)\(number)_weight", makeWeights(shape))
    }

    private mutating func fullyConnected(_ value: Operand, _ shape: Shape) -> Step? {
        guard shape.rank >= 2 else { return nil }
        let flattens = random.chance(0.7), units = random.pick([1, 2, 5]), hasBias = random.chance(0.6)
        let columns = flattens ? shape.elementCount / shape[0] : shape[shape.rank - 1]
        var operands = [value, weights("fc", [units, columns])]
        if hasBias { operands.append(.parameter("fc\(number)_bias", elements([units], -0.5...0.5))) }
        return step(
            "fc", "FullyConnected", operands, ["flatten": flattens, "no_bias": !hasBias, "num_hidden": units])
    }

    private mutating func batchNorm(_ value: Operand, _ shape: Shape) -> Step? {
        guard shape.rank >= 2 else { return nil }
        let axis = random.chance(0.1) ? shape.rank - 1 : 1
        let channels: Shape = [shape[axis]]
        let ranges: KeyValuePairs<String, ClosedRange<Float>> = [
            "gamma": -1.5...1.5, "beta": -0.5...0.5, "moving_mean": -0.5...0.5, "moving_var": 0.05...2,
        ]
        let parameters = ranges.map { name, range in
            Operand.parameter("bn\(number)_\(name)", elements(channels, range))
        }
        return step(
            "bn", "BatchNorm", [value] + parameters,
            [
                "axis": axis, "eps": random.pick(["0.001", "1e-05"]), "fix_gamma": random.chance(0.4),
                "use_global_stats": random.chance(0.3),
            ])
    }

    private mutating func activation(_ value: Operand, _ shape: Shape) -> Step? {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: return step("relu", "Activation", [value], ["act_type": "relu"])
        case 5:
            let function = random.pick(["sigmoid", "tanh", "softrelu", "softsign"])
            return step("act", "Activation", [value], ["act_type": function])
        case 6, 7:
            let function = random.pick(["leaky", "elu", "selu", "gelu", "prelu"])
            let slope = Operand.parameter("act\(number)_gamma", elements([shape.rank > 1 ? shape[1] : 1], 0...0.5))
            return step(
                "act", "LeakyReLU", function == "prelu" ? [value, slope] : [value],
                ["act_type": function, "slope": random.pick(["0.25", "0.1"])])
        default:
            let (low, high) = random.pick([("0.0", "6.0"), ("0", "0.5"), ("-0.5", "0.5"), ("0.1", "2")])
            return step("clip", "clip", [value], ["a_max": high, "a_min": low])
        }
    }

    private mutating func pooling(_ value: Operand, _ shape: Shape) -> Step? {
        guard 3...5 ~= shape.rank else { return nil }
        let axes = shape.rank - 2, kind = random.pick(["max", "max", "avg", "avg", "avg", "sum", "lp"])
        let kernel = shape.dimensions.dropFirst(2).map { min($0, random.pick([1, 2, 2, 3])) }
        return step(
            "pool", "Pooling", [value],
            [
                "count_include_pad": random.chance(0.5), "global_pool": random.chance(0.25), "kernel": Array(kernel),
                "p_value": random.pick([1, 2]), "pad": kernel.map { $0 > 1 ? random.pick([0, 1]) : 0 },
                "pool_type": kind, "pooling_convention": random.pick(["valid", "valid", "full", "same"]),
                "stride": integers(axes, 1...2),
            ])
    }

    // MARK: Arithmetic and shapes

    private mutating func arithmetic(_ value: Operand, _ shape: Shape) -> Step? {
        if random.chance(0.25) {
            let op = random.pick([
                "_plus_scalar", "_minus_scalar", "_rminus_scalar", "_mul_scalar", "_div_scalar", "_maximum_scalar",
            ])
            return step("scalar", op, [value], ["scalar": random.pick(["0.5", "-2", "3"])])
        }
        // Its own shape is there at least once: x + x is asked for as well.
        let other = random.pick(values(of: shape))
        let op = random.pick([
            "elemwise_add", "elemwise_add", "elemwise_add", "elemwise_add", "elemwise_mul", "elemwise_mul",
            "elemwise_sub", "broadcast_add", "broadcast_mul",
        ])
        return step("both", op, random.chance(0.5) ? [value, other] : [other, value], [:])
    }

    private mutating func concat(_ value: Operand, _ shape: Shape) -> Step? {
        guard shape.rank > 0 else { return nil }
        let axis = shape.rank == 1 ? 0 : random.pick([1, 1, 1, 0, shape.rank - 1])
        let fitting = values.filter { other in
            other.shape.rank == shape.rank
                && shape.dimensions.indices.allSatisfy { $0 == axis || other.shape[$0] == shape[$0] }
        }
        let operands = [value] + (0..<random.pick([1, 1, 2])).map { _ in random.pick(fitting).operand }
        return step("concat", "Concat", operands, ["dim": axis, "num_args": operands.count])
    }

    private mutating func shaping(_ value: Operand, _ shape: Shape) -> Step? {
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: return step("flat", "Flatten", [value], [:])
        case 2: return step("drop", "Dropout", [value], ["p": "0.5"])
        case 3:
            let target = random.pick([[0, -1], [0, 0, -1], [-1, 1, 1, 2], [0, 1, -2], [-3, -2]])
            return step("reshape", "Reshape", [value], ["shape": target])
        case 4:
            let axes = shape.dimensions.indices.shuffled(using: &random)
            return step("transpose", "transpose", [value], ["axes": axes])
        case 5: return step("copy", "_copy", [value], [:])
        default:
            guard shape.rank > 1, shape[1] > 1 else { return nil }
            var split = step(
                "split", "SliceChannel", [value],
                ["axis": 1, "num_outputs": shape[1], "squeeze_axis": random.chance(0.2)])
            split.outputSuffixes = (0..<shape[1]).map { "_output\($0)" }
            return split
        }
    }

    /// An example of the table with its parameters, on values that are there.
    private mutating func example(_ value: Operand, _ shape: Shape) -> Step? {
        // Operators that make codes are what quantization puts in.
        let quantizing = OperatorFamily.quantizing.definitions.map(\.name)
        let definition = random.pick(OperatorTable.standard.definitions.filter { !quantizing.contains($0.name) })
        let example = random.pick(definition.examples)
        guard let graph = try? example.graph(), !definition.name.hasPrefix("Fused"),
            let node = graph.nodes.first(where: { $0.op == definition.name }),
            graph.values.allSatisfy({ !($0.type?.isQuantized ?? false) }),
            let data = node.inputs.first.flatMap({ $0 }), graph[data].type?.shape?.rank == shape.rank
        else { return nil }
        let operands = node.inputs.enumerated().map { index, id -> Operand in
            guard let id else { return .absent }
            if let tensor = graph[id].tensor { return .parameter("op\(number)_\(graph[id].name)", tensor) }
            guard index > 0 else { return value }
            let alike = values(of: graph[id].type?.shape ?? shape)
            return random.pick(alike.isEmpty ? values(of: shape) : alike)
        }
        let suffixes = node.outputs.map { id in
            let name = graph[id].name
            return name.hasPrefix(node.name) ? String(name.dropFirst(node.name.count)) : "_output"
        }
        return Step(
            name: "op\(number)", op: node.op, attributes: node.attributes, operands: operands,
            outputSuffixes: suffixes, onnxSince: example.onnxSince)
    }
}
