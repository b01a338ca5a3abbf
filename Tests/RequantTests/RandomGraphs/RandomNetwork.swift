import GraphIR
import TensorCore

@testable import Operators

/// A small network as a list of steps, each an operator on data or on what earlier steps gave. A step can be left out:
/// whoever used it then uses what it used, which is how a failing network is made smaller.
struct RandomNetwork {
    enum Operand {
        case data(Int)
        case result(step: Int, output: Int)
        /// Layers share a parameter by its name.
        case parameter(String, Tensor)
        case absent

        var isComputed: Bool {
            switch self {
            case .data, .result: true
            case .parameter, .absent: false
            }
        }
    }

    struct Step {
        var name: String
        var op: String
        var attributes: Attributes = [:]
        var operands: [Operand]
        /// Behind the node's name: `_output`.
        var outputSuffixes = ["_output"]
        /// The oldest opset in which ONNX can say it.
        var onnxSince = 0
    }

    var data: [Tensor]
    /// By number; nil for those that were left out.
    var steps: [Step?] = []
    /// What the network gives, beside all that nothing uses.
    var heads: [Operand] = []

    /// - Throws: `ModelError` if something does not fit: types are inferred.
    func graph() throws -> Graph {
        var graph = Graph(name: "random")
        let inputs = data.enumerated().map { index, tensor in
            graph.addInput(Self.inputName(index), type: ValueType(tensor.dataType, tensor.shape))
        }
        var parameters: [String: ValueID] = [:]
        var results: [[ValueID]] = []
        func value(_ operand: Operand) -> ValueID? {
            switch operand {
            case .data(let index): inputs[index]
            case .result(let step, let output): results[step][output]
            case .parameter(let name, _): parameters[name]
            case .absent: nil
            }
        }
        for step in steps {
            guard let step else {
                results.append([])
                continue
            }
            for case .parameter(let name, let tensor) in step.operands where parameters[name] == nil {
                parameters[name] = graph.addParameter(name, tensor)
            }
            let id = graph.add(
                NodeDraft(
                    name: step.name, op: step.op, attributes: step.attributes, inputs: step.operands.map(value),
                    outputNames: step.outputSuffixes.map { step.name + $0 }))
            results.append(graph[id].outputs)
        }
        let unused = graph.nodes.flatMap(\.outputs).filter { graph[$0].uses.isEmpty }
        var outputs = heads.compactMap(value)
        outputs += unused.filter { !outputs.contains($0) }
        graph.setOutputs(outputs)
        graph.removeUnusedVariables(inputs)
        try TypeInference().annotate(&graph)
        return graph
    }

    /// The data of the inputs that the graph has, by name.
    var inputs: [String: Tensor] {
        Dictionary(uniqueKeysWithValues: data.enumerated().map { (Self.inputName($0), $1) })
    }

    private static func inputName(_ index: Int) -> String { index == 0 ? "data" : "data\(index)" }

    /// Parameters that do not fit are found when the kernels are chosen.
    var canBeRun: Bool { (try? Lowering.lower(graph())) != nil }

    /// The network without one of its steps; nil if nothing can take the step's place.
    func without(_ number: Int) -> RandomNetwork? {
        guard steps.indices.contains(number), let step = steps[number] else { return nil }
        let isUsed = (steps.compactMap { $0 }.flatMap(\.operands) + heads).contains { $0.isResult(of: number) }
        let substitute = step.operands.first(where: \.isComputed)
        guard !isUsed || substitute != nil else { return nil }
        func replaced(_ operand: Operand) -> Operand {
            operand.isResult(of: number) ? substitute ?? operand : operand
        }
        var network = self
        network.steps[number] = nil
        network.steps = network.steps.map { step in
            guard var step else { return nil }
            step.operands = step.operands.map(replaced)
            return step
        }
        network.heads = heads.map(replaced)
        return network
    }
}

extension RandomNetwork.Operand {
    fileprivate func isResult(of number: Int) -> Bool {
        if case .result(number, _) = self { true } else { false }
    }
}
