import Foundation
import GraphIR
import ONNXFormat
import Operators
import TensorCore

/// What a model is, and what can be done with it: what `requant inspect` prints.
public struct ModelSummary: Sendable, Codable {
    /// An input or an output.
    public struct Port: Sendable, Codable {
        /// What it is called.
        public var name: String
        /// The type of its elements: `float32`.
        public var type: String
        /// Nil until the shapes of the inputs are known.
        public var shape: [Int]?
        /// An input that is only there to train with.
        public var isLabel = false
        /// The extents as an ONNX file has them, if it leaves some open: `["N", "3", "224", "224"]`.
        public var openShape: [String]?
    }

    /// How often an operator occurs.
    public struct OperatorCount: Sendable, Codable {
        /// Its name in `requant operators`.
        public var `operator`: String
        /// Nodes of that operator.
        public var count: Int
    }

    /// A layer that stands for several nodes of the float model.
    public struct FusedLayer: Sendable, Codable {
        /// What the layer is called.
        public var name: String
        /// The nodes that it swallowed, in the order of computation.
        public var nodes: [String]
    }

    /// Nodes that something cannot be done with.
    public struct Obstacle: Sendable, Codable {
        /// What can be done with a model.
        public enum Action: String, Sendable, Codable { case convert, quantize, run }

        /// What cannot be done.
        public var action: Action
        /// The operator that is in the way.
        public var `operator`: String
        /// The nodes that are in the way.
        public var nodes: [String]
        /// Why they are, in a sentence.
        public var reason: String
        /// What the user can do about it.
        public var advice: String?
    }

    /// What the model is called.
    public var name: String
    /// `MXNet 1.9.1`, `ONNX opset 17, IR 8`
    public var format: String
    /// What MXNet changes in a symbol of an older version when it loads it.
    public var upgrades: [String]
    /// What wrote the file, if it says so.
    public var producer: String?
    /// What has to be given, in order.
    public var inputs: [Port]
    /// In order.
    public var outputs: [Port]
    /// The most frequent first.
    public var operators: [OperatorCount]
    /// Nodes that the outputs need.
    public var nodes: Int
    /// Stored tensors, their elements and their bytes.
    public var parameterTensors: Int
    /// Elements of all parameters.
    public var parameters: Int
    /// What they take.
    public var parameterBytes: Int
    /// Layers with weights, and those of them that work on int8 codes.
    public var weightedLayers: Int
    /// Layers with weights that work on codes.
    public var quantizedLayers: Int
    /// In the order of computation.
    public var fusedLayers: [FusedLayer]
    /// Parameters that no file gives.
    public var missing: [String]
    /// Arrays of the file that the model does not use.
    public var superfluous: [String]
    /// Parameters that are not what their operators need, in a sentence each.
    public var mismatched: [String]
    /// What could not be kept as the file has it.
    public var losses: [String]
    /// What is in the way of converting, quantizing and running; all of it.
    public var obstacles: [Obstacle]
    /// What MXNet computes otherwise than the maker of a quantized checkpoint meant.
    public var traps: [Trap]
    /// What can be done with the whole model.
    public var possible: [Obstacle.Action]
    /// Inputs whose shapes `--shape` has to give.
    public var inputsWithoutShape: [String]

    /// In 0…1; nil if there is no layer with weights.
    public var quantizedShare: Double? {
        weightedLayers == 0 ? nil : Double(quantizedLayers) / Double(weightedLayers)
    }
}

extension Model {
    /// What a model is, and what can be done with it. Nothing is computed.
    public func summary(table: OperatorTable = .standard) -> ModelSummary {
        let nodes = graph.topologicalOrder().map { graph[$0] }
        let counts = Dictionary(grouping: nodes, by: \.op).mapValues(\.count)
        let (weighted, quantized) = layerCounts
        let stored = graph.parameters.compactMap(\.tensor)
        let inputs = (inputNames + labelNames).compactMap { graph.value(named: $0) }
        let labels = Set(labelNames), obstacles = obstacles(table)
        let ports = inputs.map {
            ModelSummary.Port($0, isLabel: labels.contains($0.name), openShape: source?.openShape(of: $0.name))
        }
        let operators = counts.map { ModelSummary.OperatorCount(operator: $0, count: $1) }
            .sorted { ($1.count, $0.operator) < ($0.count, $1.operator) }
        // Of large models the beginning of each parameter is looked at: their pages stay on the disk.
        let isLarge = stored.reduce(0) { $0 + $1.byteCount } > 16 << 20
        let misfits =
            report.mismatched + ParameterCheck.problems(of: graph, table: table, limit: isLarge ? 1024 : nil)
        return ModelSummary(
            name: graph.name, format: format, upgrades: upgrades,
            producer: graph.metadata["producer"]?.trimmingCharacters(in: .whitespaces),
            inputs: ports,
            outputs: graph.outputs.map {
                ModelSummary.Port(graph[$0], openShape: source?.openShape(of: graph[$0].name))
            },
            operators: operators,
            nodes: nodes.count, parameterTensors: stored.count,
            parameters: stored.reduce(0) { $0 + $1.elementCount },
            parameterBytes: stored.reduce(0) { $0 + $1.byteCount }, weightedLayers: weighted,
            quantizedLayers: quantized,
            fusedLayers: nodes.filter { !$0.bodies.isEmpty }.map { .init(name: $0.name, nodes: $0.origins) },
            missing: missingParameters, superfluous: report.superfluous, mismatched: misfits + report.mistyped,
            losses: report.losses + (inputProblem.map { ["\($0)"] } ?? []), obstacles: obstacles, traps: traps,
            possible: misfits.isEmpty ? possibleActions(obstacles) : [],
            inputsWithoutShape: ports.filter { $0.shape == nil && !$0.isLabel }.map(\.name))
    }

    /// Layers with weights, and those of them that work on int8 codes.
    public var layerCounts: (weighted: Int, quantized: Int) {
        let weighted = graph.topologicalOrder().map { graph[$0] }.filter(graph.hasWeights)
        return (weighted.count, weighted.count(where: graph.isQuantized))
    }

    private var format: String {
        let metadata = graph.metadata
        guard metadata["format"] == "ONNX" else {
            guard let version = metadata["mxnet_version"].flatMap(Int.init) else {
                return "MXNet 0.8 or before (the symbol does not say)"
            }
            // 10901 is 1.9.1.
            return "MXNet \(version / 10_000).\(version / 100 % 100).\(version % 100)"
        }
        let opset = (metadata["opset "] ?? metadata["opset ai.onnx"]).map { " opset \($0)" } ?? ""
        return "ONNX\(opset)" + (metadata["ir_version"].map { ", IR \($0)" } ?? "")
    }

    // MARK: Obstacles

    private func obstacles(_ table: OperatorTable) -> [ModelSummary.Obstacle] {
        let unknown = report.unknownOperators.flatMap { op, nodes in
            [ModelSummary.Obstacle.Action.convert, .quantize, .run].map {
                ModelSummary.Obstacle(
                    action: $0, operator: op, nodes: nodes, reason: "the operator is not known",
                    advice: OperatorAdvice.advice(onUnknown: op, isMXNet: graph.metadata["format"] != "ONNX"))
            }
        }
        return unknown + refusedNodes + runTimeRanges + quantizationRefusals(table)
    }

    /// A known operator in a form that it cannot be computed in.
    private var refusedNodes: [ModelSummary.Obstacle] {
        var kinds: [(op: String, reason: String, nodes: [String])] = []
        for refusal in refusals {
            let reason = refusal.error.problem
            if let index = kinds.firstIndex(where: { $0.op == refusal.op && $0.reason == reason }) {
                kinds[index].nodes.append(refusal.node)
            } else {
                kinds.append((refusal.op, reason, [refusal.node]))
            }
        }
        return kinds.flatMap { op, reason, nodes in
            [ModelSummary.Obstacle.Action.convert, .quantize, .run].map {
                ModelSummary.Obstacle(
                    action: $0, operator: op, nodes: nodes, reason: reason, advice: OperatorAdvice.onRefusal)
            }
        }
    }

    /// Codes whose grid nobody knows before a run: ONNX's QDQ form wants constants.
    private var runTimeRanges: [ModelSummary.Obstacle] {
        let nodes = graph.topologicalOrder().map { graph[$0] }.filter { node in
            node.outputs.contains { output in
                graph[output].type.map { $0.dataType.isCode && $0.quantization == .foundAtRunTime } ?? false
            }
        }
        return Dictionary(grouping: nodes, by: \.op).sorted { $0.key < $1.key }.map { op, nodes in
            ModelSummary.Obstacle(
                action: .convert, operator: op, nodes: nodes.map(\.name), reason: "each run finds its range",
                advice: OperatorAdvice.onRunTimeRange)
        }
    }

    /// Layers that stay in float do not keep a model from being quantized; anything else keeps it from everything.
    private func possibleActions(_ obstacles: [ModelSummary.Obstacle]) -> [ModelSummary.Obstacle.Action] {
        guard report.unknownOperators.isEmpty, missingParameters.isEmpty, refusals.isEmpty, inputProblem == nil
        else { return [] }
        let hasCodes = graph.nodes.contains { $0.op == "Quantize" }
        var actions: [ModelSummary.Obstacle.Action] = obstacles.contains { $0.action == .convert } ? [] : [.convert]
        if !hasCodes && layerCounts.weighted > 0 { actions.append(.quantize) }
        return actions + [.run]
    }

    /// What would stay in float: asked of the model as it is after fusion, since a layer is quantized with what it
    /// swallows. A model that has codes already is not asked.
    private func quantizationRefusals(_ table: OperatorTable) -> [ModelSummary.Obstacle] {
        guard !graph.nodes.contains(where: { $0.op == "Quantize" }) else { return [] }
        let graph = (try? fused().model.graph) ?? self.graph
        var obstacles: [ModelSummary.Obstacle] = []
        for node in graph.topologicalOrder().map({ graph[$0] }) {
            guard let reason = table[node.op]?.quantization.refusal(of: NodeReader(node, in: graph)) else { continue }
            if let index = obstacles.firstIndex(where: { $0.operator == node.op && $0.reason == reason }) {
                obstacles[index].nodes.append(node.name)
            } else {
                obstacles.append(
                    .init(
                        action: .quantize, operator: node.op, nodes: [node.name], reason: reason,
                        advice: OperatorAdvice.onFloat))
            }
        }
        return obstacles
    }
}

extension ModelSummary.Port {
    fileprivate init(_ value: Value, isLabel: Bool = false, openShape: [String]?) {
        self.init(
            name: value.name, type: value.type.map { $0.dataType.description } ?? "unknown",
            shape: value.type?.shape?.dimensions, isLabel: isLabel, openShape: openShape)
    }
}

extension ONNXModel {
    /// The extents of an input or output, if some of them are open.
    fileprivate func openShape(of name: String) -> [String]? {
        guard let declared = (graph.inputs + graph.outputs).first(where: { $0.name == name }),
            case .tensor(_, let dimensions?)? = declared.type
        else { return nil }
        let isOpen = dimensions.contains { if case .known = $0 { false } else { true } }
        return isOpen ? dimensions.map(\.description) : nil
    }
}

extension Graph {
    /// Whether a layer multiplies with a stored matrix or kernel: a parameter of more than one axis, maybe behind a
    /// Dequantize, as its second input.
    fileprivate func hasWeights(_ layer: Node) -> Bool {
        guard OperatorTable.standard[layer.op]?.mxnet?.parameterInputs(layer).contains(1) ?? false,
            layer.inputs.count > 1, let weights = layer.inputs[1]
        else { return false }
        let codes = producer(of: weights).flatMap { $0.op == "Dequantize" ? $0.inputs.first ?? nil : nil }
        return self[codes ?? weights].tensor.map { $0.shape.rank > 1 } ?? false
    }

    /// Whether a layer works on codes: its data are codes, or, as ONNX spells it, data and weights come from codes.
    fileprivate func isQuantized(_ layer: Node) -> Bool {
        let inputs = layer.inputs.prefix(2).compactMap { $0 }
        if let data = inputs.first, self[data].type?.isQuantized == true { return true }
        return inputs.count == 2 && inputs.allSatisfy { producer(of: $0)?.op == "Dequantize" }
    }
}
