import GraphIR
import Operators
import TensorCore

/// int8 weights and int32 biases of quantized layers → the parameters that MXNet makes the same integers of.
///
/// MXNet keeps a fused convolution's weights in float and quantizes them by channel, 127.5 over the largest: so the
/// largest code becomes 127.5 steps, and every other code its own multiple. A fully connected layer has int8 weights and
/// an int8 bias with ranges that MXNet reads as 127.5 codes; or float parameters as a convolution, if it has a step for
/// each channel.
public struct RestoreFloatParameters: Pass {
    public let name = "RestoreFloatParameters"
    public let summary = "gives quantized layers the parameters that MXNet stores for them"

    public init() {}

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard node.inputs.count > 1, let weights = node.inputs[1], context.graph[weights].tensor?.dataType == .int8,
                context.graph[weights].type?.quantization?.grid?.range == nil
            else { continue }
            switch node.op {
            case "FusedConvolution": try restoreByChannel(node, weights, &context)
            case "FusedFullyConnected" where context.graph[weights].type?.quantization?.grid?.steps.count == 1:
                try restoreFullyConnected(node, weights, &context)
            case "FusedFullyConnected": try restoreByChannel(node, weights, &context)
            default: continue
            }
        }
    }

    private func restoreByChannel(_ node: Node, _ weights: ValueID, _ context: inout PassContext) throws {
        let graph = context.graph
        guard let codes = graph[weights].tensor, let grid = graph[weights].type?.quantization?.grid else { return }
        let restored = RestoredWeights(codes, grid)
        var patch = GraphPatch(for: graph, "float weights")
        patch.setInput(
            1, of: node.id,
            to: patch.addParameter(
                Self.stem(graph[weights].name), restored.weights,
                attributes: [ParameterCodes.limitAttribute: .number(Double(ParameterCodes.mxnet))]))
        if node.inputs.count > 2, let bias = node.inputs[2], let sums = graph[bias].tensor, sums.dataType == .int32,
            let steps = graph[bias].type?.quantization?.grid?.steps
        {
            let values = sums.elements(as: Int32.self).enumerated().map {
                Float($1) * (steps.count == 1 ? steps[0] : steps[$0])
            }
            patch.setInput(2, of: node.id, to: patch.addParameter(Self.stem(graph[bias].name), Tensor(values)))
        }
        if node.op == "FusedFullyConnected" {
            patch.update(node.id) { $0.attributes["channel_wise_quantize"] = .text("True") }
        }
        try context.apply(patch, to: node.name)
        if restored.changedCodes > 0 {
            context.refuse(
                node.name,
                because: "MXNet makes another code of \(restored.changedCodes) of its \(codes.elementCount) weights")
        }
    }

    private func restoreFullyConnected(_ node: Node, _ weights: ValueID, _ context: inout PassContext) throws {
        let graph = context.graph
        guard let codes = graph[weights].tensor, let grid = graph[weights].type?.quantization?.grid else { return }
        func restored(_ value: ValueID, _ codes: Tensor, step: Float, _ patch: inout GraphPatch) -> ValueID {
            let magnitude = step * ParameterCodes.mxnet
            var quantization = QuantizationGrid(
                parameterRange: ValueRange(-magnitude, magnitude), codeLimit: ParameterCodes.mxnet)
            quantization.steps = [step]
            return patch.addParameter(
                Self.stem(graph[value].name) + "_quantize", codes, quantization: .known(quantization),
                attributes: [ParameterCodes.limitAttribute: .number(Double(ParameterCodes.mxnet))])
        }
        var patch = GraphPatch(for: graph, "int8 weights with a range")
        patch.setInput(1, of: node.id, to: restored(weights, codes, step: grid.steps[0], &patch))
        if node.inputs.count > 2, let bias = node.inputs[2], let sums = graph[bias].tensor, sums.dataType == .int32,
            let step = graph[bias].type?.quantization?.grid?.steps.first
        {
            // int32 → int8: the largest sum becomes 127 codes.
            let values = sums.elements(as: Int32.self)
            let unit = Float(values.map(\.magnitude).max() ?? 1) / 127
            let small = values.map { Int8(clamping: Int((Float($0) / max(unit, .leastNormalMagnitude)).rounded())) }
            patch.setInput(2, of: node.id, to: restored(bias, Tensor(small), step: step * unit, &patch))
        }
        try context.apply(patch, to: node.name)
    }

    /// `conv0_weight` of `conv0_weight_quantized`.
    private static func stem(_ name: String) -> String {
        let suffix = QDQNames.parameter("")
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    }
}

/// Float weights of which MXNet makes given codes again.
struct RestoredWeights {
    let weights: Tensor
    /// Weights of which MXNet makes another code: where no neighbour of the largest rounds the right way, and in channels
    /// without a code of the largest magnitude, which MXNet puts on a finer grid.
    private(set) var changedCodes = 0

    init(_ codes: Tensor, _ grid: QuantizationGrid) {
        let channels = codes.shape[0]
        let columns = codes.elementCount / max(channels, 1)
        let values = codes.elements(as: Int8.self)
        var restored = [Float](repeating: 0, count: values.count)
        for channel in 0..<channels {
            let step = grid.steps.count == 1 ? grid.steps[0] : grid.steps[channel]
            let range = channel * columns..<(channel + 1) * columns
            for index in range { restored[index] = Float(values[index]) * step }
            let largest = values[range].map { Int($0).magnitude }.max() ?? 0
            guard largest >= 127 else {
                if largest > 0 { changedCodes += columns }
                continue
            }
            // The codes that can stand for the largest weight: 127 of itself, −128 or else −127 by the way it rounds.
            let top: Int8 = values[range].contains(127) ? 127 : values[range].contains(-128) ? -128 : -127
            let magnitude =
                values[range].contains(-128)
                ? Self.magnitude(step: step, lowest: -128)
                : top == 127 ? 127.5 * step : Self.magnitude(step: step, lowest: -127)
            let first = range.first { values[$0] == top }
            for index in range where index == first || values[index] == -128 {
                restored[index] = values[index] < 0 ? -magnitude : magnitude
            }
            let codesPerUnit = 127.5 / magnitude
            changedCodes += range.count { index in
                let code = (restored[index] * codesPerUnit).rounded(.toNearestOrEven)
                return min(max(code, -128), 127) != Float(values[index])
            }
        }
        weights = Tensor(restored, shape: codes.shape)
    }

    /// A largest magnitude, 127.5 steps or next to it, whose negative MXNet rounds to `lowest`.
    private static func magnitude(step: Float, lowest: Int8) -> Float {
        let middle = 127.5 * step
        // Whether c · (127.5 / c) comes out at 127.5 or just below is a matter of the last bit of c: try its neighbours.
        for distance in 0..<512 as Range<UInt32> {
            for bits in [middle.bitPattern &+ distance, middle.bitPattern &- distance] {
                let candidate = Float(bitPattern: bits)
                if (-candidate * (127.5 / candidate)).rounded(.toNearestOrEven) == Float(lowest) { return candidate }
            }
        }
        return middle
    }
}
