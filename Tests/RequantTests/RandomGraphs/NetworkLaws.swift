import Foundation
import GraphIR
import MXNetFormat
import Passes
import TensorCore
import TestSupport
import Translation

@testable import Operators
@testable import Requant

/// What holds for every network, whatever it is made of. Each law gives a sentence for each violation.
struct NetworkLaws {
    private let float: Model
    private let fused: Model
    private let inputs: [String: Tensor]
    private let options: QuantizationOptions
    private let onnxSince: Int
    private let expected: Observation
    private let fusedRun: Observation

    /// - Throws: `ModelError` if the model cannot be fused: that is a violation, too.
    init(_ network: RandomNetwork, _ options: QuantizationOptions) throws {
        float = Model(graph: try network.graph())
        let names = Set(float.inputNames)
        inputs = network.inputs.filter { names.contains($0.key) }
        self.options = options
        onnxSince = network.steps.compactMap { $0?.onnxSince }.max() ?? 0
        expected = try Observation(float, inputs, .reference)
        fused = try locating("fusion") { [float] in try float.fused().model }
        fusedRun = try locating("fused") { [fused, inputs] in try Observation(fused, inputs, .reference) }
    }

    func violations() throws -> [String] {
        let stages = try quantizedStages()
        var found: [String] = []
        for (name, model) in [("float", float), ("fused", fused)] + stages {
            try locating(name) {
                found += try (typesAreTheExecutedOnes(model) + mxnetRoundTrip(model)).map { "\(name): \($0)" }
            }
        }
        found += try fusionChangesNothing() + oneDNNComputesTheSame()
        for (name, model) in stages {
            try locating(name) { found += try codesAreWithinTheirBound(model).map { "\(name): \($0)" } }
        }
        if let (name, model) = stages.last, Self.hasQDQForm(model) {
            try locating("\(name), QDQ") { found += try qdqIsTheSame(model).map { "\(name), QDQ: \($0)" } }
        }
        try locating("float, ONNX") { found += try onnxRoundTrip(float).map { "float, ONNX: \($0)" } }
        return found
    }

    private func quantizedStages() throws -> [(String, Model)] {
        var recipe = QuantizationRecipe()
        recipe.options = options
        recipe.ranges = fusedRun.ranges(of: fused)
        return try locating("quantization") {
            try float.quantized(recipe).stages.dropFirst(2).map { ($0.name, $0.model) }
        }
    }

    // MARK: Float

    /// How far float results may be from each other: rounding, stretched as the network stretches a change of its data.
    /// A step such as `argmax` or a mean of equal values stretches a lot.
    private func tolerance() throws -> [[Float]] {
        let nudged = inputs.mapValues { tensor in
            guard tensor.dataType == .float32 else { return tensor }
            let floats = tensor.floats().enumerated().map { $1 * (1 + ($0 % 2 == 0 ? 1e-5 : -1e-5)) + 1e-7 }
            return Tensor(floats, shape: tensor.shape)
        }
        let other = try Observation(float, nudged, .reference)
        let scale = expected.floats.values.reduce(1) { max($0, magnitude($1)) }
        return zip(expected.outputs, other.outputs).map { a, b in
            zip(a.floats(), b.floats()).map { 2e-6 * scale + 5 * abs($0 - $1) }
        }
    }

    private func differences(_ outputs: [Tensor], _ what: String) throws -> [String] {
        let tolerance = try tolerance()
        return expected.outputs.indices.compactMap { index in
            let a = outputs[index].floats(), b = expected.outputs[index].floats()
            guard a.count == b.count else { return "\(what): output \(index) has \(a.count) elements, not \(b.count)" }
            guard let worst = a.indices.first(where: { abs(a[$0] - b[$0]) > tolerance[index][$0] }) else { return nil }
            return "\(what): output \(index) is \(a[worst]) instead of \(b[worst]) at \(worst)"
        }
    }

    private func fusionChangesNothing() throws -> [String] {
        try differences(fusedRun.outputs, "fused")
            + differences(Observation(fused, inputs, .onednn).outputs, "fused, oneDNN")
    }

    private func oneDNNComputesTheSame() throws -> [String] {
        try differences(Observation(float, inputs, .onednn).outputs, "oneDNN")
    }

    // MARK: Quantized

    /// On both engines; and where both have the same inputs, they give the same codes but for one.
    private func codesAreWithinTheirBound(_ model: Model) throws -> [String] {
        let reference = try Observation(model, inputs, .reference)
        let oneDNN = try Observation(model, inputs, .onednn)
        let found =
            try CodeBound(quantized: model, float: fused, run: reference).violations()
            + CodeBound(quantized: model, float: fused, run: oneDNN).violations().map { "oneDNN: \($0)" }
        let graph = model.graph
        return found
            + graph.topologicalOrder().map { graph[$0] }.compactMap { node in
                let inputs = node.inputs.compactMap { $0.map { graph[$0].name } }, output = graph[node.outputs[0]].name
                guard let a = reference.values[output], let b = oneDNN.values[output], a.dataType.isCode,
                    inputs.allSatisfy({ reference.values[$0] == oneDNN.values[$0] }),
                    zip(a.floats(), b.floats()).contains(where: { abs($0 - $1) > 1 })
                else { return nil }
                return "\(node.name) (\(node.op)): oneDNN gives other codes"
            }
    }

    /// So far, of layers with weights of their own and of what passes codes through.
    private static func hasQDQForm(_ model: Model) -> Bool {
        let graph = model.graph
        guard graph.parameters.allSatisfy({ $0.uses.count == 1 }) else { return false }
        return graph.nodes.allSatisfy { node in
            ["FusedConvolution", "FusedFullyConnected", "Pooling", "Flatten", "Activation", "Dequantize"].contains(
                node.op)
                || !node.inputs.contains { $0.map { graph[$0].type?.isQuantized ?? false } ?? false }
        }
    }

    /// In ONNX's form and back: the form says the same, and what comes back computes the same.
    private func qdqIsTheSame(_ model: Model) throws -> [String] {
        let there = try model.run(Pipelines.toQDQ(residual: .exact, arithmetic: .exact)).model
        let back = try there.run(Pipelines.fromQDQ(dropsInnerRounding: true)).model
        let quantized = try Observation(model, inputs, .reference)
        let steps = quantized.values.filter { $0.value.dataType.isCode }.keys.compactMap { quantized.step(of: $0) }
        return try [("written", there), ("read", back)].flatMap { what, other in
            let outputs = try Observation(other, inputs, .reference).outputs
            return zip(outputs, quantized.outputs).enumerated().compactMap { index, pair in
                let difference = zip(pair.0.floats(), pair.1.floats()).reduce(0) { max($0, abs($1.0 - $1.1)) }
                let tolerance = (steps.max() ?? 0) * 1.01 + 1e-4 * magnitude(pair.1)
                return difference <= tolerance ? nil : "\(what): output \(index) differs by \(difference)"
            }
        }
    }

    // MARK: Types and files

    private func typesAreTheExecutedOnes(_ model: Model) throws -> [String] {
        let run = try Observation(model, inputs, .reference)
        return model.graph.values.filter { $0.producer != nil }.compactMap { value in
            guard let tensor = run.values[value.name] else { return "'\(value.name)' was not seen" }
            let isRight = tensor.dataType == value.type?.dataType.computed && tensor.shape == value.type?.shape
            return isRight
                ? nil
                : "'\(value.name)' is \(tensor.type), but inferred as \(value.type.map(\.description) ?? "nothing")"
        }
    }

    private func mxnetRoundTrip(_ model: Model) throws -> [String] {
        guard model.graph.nodes.allSatisfy({ OperatorTable.standard[$0.op]?.mxnet != nil }) else { return [] }
        return try Fixtures.withTemporaryFolder { folder in
            try model.saveCheckpoint(to: folder + "/net")
            var read = try Model.load(folder + "/net-symbol.json", shapes: inputs.mapValues(\.shape))
            for id in read.graph.inputs {
                read.graph.setType(model.graph.value(named: read.graph[id].name)?.type, of: id)
            }
            try read.annotate()
            return read.comparableText == model.comparableText
                ? []
                : [
                    "an MXNet checkpoint comes back otherwise:\n\(read.comparableText)\ninstead of\n\(model.comparableText)"
                ]
        }
    }

    private func onnxRoundTrip(_ model: Model) throws -> [String] {
        let isMapped = model.graph.nodes.allSatisfy { node in
            if case .mapped = OperatorTable.standard[node.op]?.onnx { true } else { false }
        }
        var options = ONNXOptions()
        options.opset = max(17, onnxSince)
        guard isMapped, onnxSince <= ONNXExporter.opsets.upperBound else { return [] }
        return try Fixtures.withTemporaryFolder { folder in
            _ = try model.saveONNX(to: folder + "/net.onnx", options)
            let read = try Model.load(folder + "/net.onnx")
            let unknown = read.graph.nodes.filter { OperatorTable.standard[$0.op] == nil }
            guard unknown.isEmpty else { return ["reads back with unknown \(Set(unknown.map(\.op)).sorted())"] }
            return try differences(Observation(read, inputs, .reference).outputs, "read again")
        }
    }
}

private func magnitude(_ tensor: Tensor) -> Float { tensor.floats().reduce(0) { max($0, abs($1)) } }

extension Model {
    /// The lines of the graph's text, without what is said of its file. MXNet sorts attributes, does not name subgraphs, and
    /// has no order of inputs.
    fileprivate var comparableText: String {
        var graph = graph
        graph.metadata = [:]
        graph.name = ""
        for id in graph.nodes.map(\.id) {
            graph.update(id) { node in
                node.attributes.sort { $0.key < $1.key }
                for index in node.bodies.indices { node.bodies[index].name = "" }
            }
        }
        return GraphPrinter.text(of: graph).split(separator: "\n").sorted().joined(separator: "\n")
    }
}
