import Foundation
import GraphIR
import Operators
import TensorCore

/// Grids of other tools → those that MXNet has: uint8 from zero on, and int8 around zero.
///
///     int8, zero point −128         = uint8 without zero point                                   the same codes, 128 higher
///     a layer that ends in uint8    = the same behind relu, which the saturation at zero is      the same codes
///     a layer's int8 behind relu    → uint8, for MXNet takes the type from the activation        steps half as long
///     any other zero point          → the grid that reaches as far, if it may be coarser         longer steps
public struct FitMXNetGrids: Pass {
    public let name = "FitMXNetGrids"
    public let summary = "gives codes the grids that MXNet has"
    private let requantizes: Bool

    /// - Parameter requantizes: whether grids may become coarser.
    public init(requantizes: Bool) { self.requantizes = requantizes }

    public func run(_ context: inout PassContext) throws {
        var offenders: [String] = []
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            switch node.op {
            case "Quantize", "FusedConvolution", "FusedFullyConnected":
                guard node.attributes["step"] != nil, let type = context.graph[node.outputs[0]].type,
                    let fitted = FittedGrid(type, node)
                else { continue }
                guard requantizes || !fitted.isCoarser else {
                    offenders.append("'\(context.graph[node.outputs[0]].name)' (\(type.dataType), \(fitted.reason))")
                    continue
                }
                try context.apply(fitted.patch(node, context.graph), to: node.name)
                if !fitted.keepsCodes { context.refuse(node.name, because: fitted.remark) }
            case "Dequantize": try storeFloat(node, &context)
            case "QuantizeLinear", "DequantizeLinear":
                offenders.append("'\(context.graph[node.outputs[0]].name)' (\(node.op) of a form that MXNet has not)")
            default: continue
            }
        }
        guard offenders.isEmpty else {
            throw ModelError(
                "MXNet has no such grids: \(offenders.joined(separator: ", "))", at: context.graph.name,
                advice: requantizes
                    ? "convert the float model, and quantize it then"
                    : "--requantize takes symmetric grids instead and says what is lost; or quantize the float model")
        }
        try context.annotate()
    }

    /// Weights that only float layers use are stored in float.
    private func storeFloat(_ node: Node, _ context: inout PassContext) throws {
        guard let input = node.inputs[0], let codes = context.graph[input].tensor,
            let grid = context.graph[input].type?.quantization?.grid,
            let values = grid.values(of: codes)
        else { return }
        var patch = GraphPatch(for: context.graph, "stored in float")
        let float = patch.addParameter(context.graph[input].name + "_float", values)
        patch.replace(node.outputs[0], with: float)
        patch.remove(node.id)
        try context.apply(patch, to: node.name)
    }
}

/// The grid of MXNet's that takes the place of another one.
private struct FittedGrid {
    private let old: (step: Float, zeroPoint: Int)
    private let step: Float
    private let dataType: DataType
    /// A layer whose saturation at zero has to be written as an activation.
    private let needsActivation: Bool
    let keepsCodes: Bool

    var isCoarser: Bool { step > old.step * (1 + 1e-6) }
    var reason: String { "zero point \(old.zeroPoint)" }

    init?(_ type: ValueType, _ node: Node) {
        guard let grid = type.quantization?.grid, grid.steps.count == 1, type.dataType.isCode else { return nil }
        old = (grid.steps[0], grid.zeroPoint)
        let limits = type.dataType.codeLimits
        let low = (limits.lowerBound - Float(grid.zeroPoint)) * old.step
        let high = (limits.upperBound - Float(grid.zeroPoint)) * old.step
        let isLayer = node.op != "Quantize", endsInActivation = node.bodies.first?.endsInActivation ?? false
        if low >= 0 || isLayer && endsInActivation {
            dataType = .uint8
            step = low >= 0 ? old.step : high / 255
        } else {
            dataType = .int8
            step = grid.zeroPoint == 0 ? old.step : max(-low, high) / 127
        }
        needsActivation = isLayer && dataType == .uint8 && !endsInActivation
        keepsCodes = step == old.step
    }

    var remark: String {
        let decibels = 20 * log10(Double(step / old.step))
        let change = String(format: "%.3g times as long, %.1f dB of SQNR", Double(step / old.step), abs(decibels))
        return "its grid has no zero point \(old.zeroPoint) in MXNet; steps become \(change) "
            + (decibels > 0 ? "lost" : "won")
    }

    func patch(_ node: Node, _ graph: Graph) -> GraphPatch {
        let range = QuantizationGrid(steps: [step]).symmetricRange(dataType)
        var patch = GraphPatch(for: graph, "\(dataType), range [\(range.min), \(range.max)]")
        let (dataType, needsActivation) = (dataType, needsActivation)
        patch.update(node.id) { node in
            for name in ["step", "zero_point", "out_type"] { node.attributes[name] = nil }
            if node.op == "Quantize" { node.attributes["out_type"] = .text(dataType.rawValue) }
            node.attributes[CalibratedRange.minimum] = .number(Double(range.min))
            node.attributes[CalibratedRange.maximum] = .number(Double(range.max))
            if needsActivation { node.addActivation() }
        }
        return patch
    }
}

extension Graph {
    fileprivate var endsInActivation: Bool { outputs.first.flatMap { producer(of: $0) }?.op == "Activation" }

    fileprivate mutating func addActivation() {
        guard let last = outputs.first, let producer = producer(of: last) else { return }
        let relu = add(
            NodeDraft(
                name: producer.name + "_relu", op: "Activation", attributes: ["act_type": .text("relu")],
                inputs: [last]))
        setOutputs(self[relu].outputs)
    }
}

extension Node {
    /// Lets a fused layer end in relu.
    fileprivate mutating func addActivation() {
        guard !bodies.isEmpty else { return }
        bodies[0].addActivation()
        if op == "FusedFullyConnected" {
            attributes["with_eltwise"] = .text("True")
        } else {
            attributes[attributes["with_sum"] == nil ? "with_act" : "with_postsum_act"] = .text("true")
        }
    }
}

extension QuantizationGrid {
    /// What codes stand for; nil if the grid does not fit them.
    fileprivate func values(of codes: Tensor) -> Tensor? {
        let axis = self.axis.flatMap { codes.shape.normalized(axis: $0) } ?? 0
        guard steps.count == 1 || codes.shape.rank > 0 && codes.shape[axis] == steps.count else { return nil }
        let inner = steps.count == 1 ? 1 : codes.shape.strides[axis]
        let values = codes.asInts().enumerated().map { index, code in
            Float(code - zeroPoint) * steps[steps.count == 1 ? 0 : index / inner % steps.count]
        }
        return Tensor(values, shape: codes.shape)
    }
}
