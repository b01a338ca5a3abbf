import Foundation
import OneDNNBackend
import Operators
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// What MXNet 1.9.1 computed from the stages of the small networks.
struct NetworkArithmeticTests {
    typealias Stage = NetworkStageTests.Stage

    /// Stages that MXNet ran.
    static let stages = NetworkStageTests.stages.filter { stage in
        stage.name.number != 2 && ((try? stage.network.arrays().names.contains("\(stage.name.text)-output")) ?? false)
    }

    /// With MXNet's arithmetic, its outputs within one code.
    ///
    /// Not so self-attention that is calibrated and not fused again: MXNet's range of its int32 scores is made of numbers
    /// that it has not read yet.
    @Test(arguments: stages.filter { $0.description != "selfatt/04-naive-auto-tw-full" }, EngineChoice.allCases)
    func compatibleOutputsAreMXNets(_ stage: Stage, _ engine: EngineChoice) throws {
        guard try stage.network.isKnown(), engine == .reference || InstructionSet.current.hasVNNI else { return }
        let model = try Self.load(stage.network, stage.name)
        for (index, output) in try Self.outputs(of: model, stage.network.examples(), engine, .mxnet).enumerated() {
            let expected = try Self.expected(stage.name.text, index, stage.network)
            #expect(output.shape == expected.shape)
            let largest = expected.floats().reduce(0) { max($0, abs($1)) }
            let difference = zip(output.floats(), expected.floats()).reduce(0) { max($0, abs($1.0 - $1.1)) }
            print(
                "\(stage) \(engine) output \(index): largest difference \(difference / max(largest, 1e-30)) of the largest"
            )
            #expect(difference <= Self.step(of: index, model) ?? largest / 127 * 1.001, "output \(index)")
        }
    }

    /// One code of an output that was dequantized.
    private static func step(of output: Int, _ model: Model) -> Float? {
        let graph = model.graph
        guard let node = graph.producer(of: graph.outputs[output]), node.op == "Dequantize", let codes = node.inputs[0]
        else { return nil }
        return graph[codes].type?.quantization?.grid.map { $0.steps[0] * 1.001 }
    }

    /// Decibels that MXNet's rounding is ahead where its errors happen to cancel: the weights round to other codes.
    static let mxnetsLead = [
        "deconv/05-naive-postfused-int8-tw-full": 0.4, "lenet-sym/03-none-auto-tw-full": 0.6,
        "mlp-sym/04-naive-auto-tw-full": 0.8, "mobilenet-v1/05-naive-postfused-auto-tw-full": 1.7,
        "selfatt/05-naive-postfused-auto-cw-full": 0.6, "text-embed/05-naive-postfused-auto-cw-full": 0.8,
        "vgg-fc/03-none-auto-tw-full": 0.3, "vgg-fc/05-naive-postfused-auto-cw-full": 1.0,
    ]

    /// Exact arithmetic is never further from float than MXNet's, over all the data that the network was calibrated with.
    @Test(arguments: stages.filter { $0.name.number > 2 }) func exactOutputsAreNoWorse(_ stage: Stage) throws {
        guard try stage.network.isKnown() else { return }
        let model = try Self.load(stage.network, stage.name)
        let float = try Model.load(stage.network.floatSymbol, parameters: stage.network.floatParameters)
        let examples = try stage.network.calibrationExamples()
        let expected = try Self.outputs(of: float, examples, .onednn, .exact)
        let ours = try Self.outputs(of: model, examples, .onednn, .exact)
        let theirs = try Self.outputs(of: model, examples, .onednn, .mxnet)
        for index in expected.indices {
            let exact = Self.decibels(Self.noise(ours[index], expected[index]))
            let mxnet = Self.decibels(Self.noise(theirs[index], expected[index]))
            print("\(stage) output \(index): \(exact) dB, MXNet's arithmetic \(mxnet) dB")
            #expect(exact >= mxnet - Self.mxnetsLead[stage.description, default: 0.11], "output \(index)")
        }
    }

    /// Σ (x − y)² / Σ y²
    private static func noise(_ x: Tensor, _ y: Tensor) -> Double {
        let error = zip(x.floats(), y.floats()).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return error / y.floats().reduce(1e-30) { $0 + pow(Double($1), 2) }
    }

    private static func decibels(_ noise: Double) -> Double { (-10 * log10(max(noise, 1e-12)) * 10).rounded() / 10 }

    private static func expected(_ stage: String, _ output: Int, _ network: SmallNetwork) throws -> Tensor {
        try network.arrays().tensor(named: "\(stage)-output\(output == 0 ? "" : "\(output)")")
    }

    static func load(_ network: SmallNetwork, _ stage: StageName) throws -> Model {
        try Model.load(network.symbol(of: stage), parameters: network.int8Parameters ?? network.floatParameters)
    }

    static func outputs(
        of model: Model, _ examples: (String) throws -> Tensor, _ engine: EngineChoice, _ arithmetic: Arithmetic
    ) throws -> [Tensor] {
        let runner = ModelRunner(model, engine: engine, arithmetic: arithmetic, threads: 1)
        let labels = Set(model.labelNames)
        let data = try runner.inputs.filter { !labels.contains($0) }.map { ($0, try examples($0)) }
        var inputs = Dictionary(uniqueKeysWithValues: data)
        for name in labels { inputs[name] = Tensor([Float](repeating: 0, count: data[0].1.shape[0])) }
        return try runner.run(inputs)
    }
}

extension SmallNetwork {
    /// The batch that MXNet ran, by input.
    func examples() throws -> (String) throws -> Tensor {
        let arrays = try arrays()
        return { name in
            try arrays.tensor(named: arrays.names.contains("input-\(name)") ? "input-\(name)" : "input")
        }
    }

    func calibrationExamples() throws -> (String) throws -> Tensor {
        let archive = try NumPyArchive(calibrationArchive())
        return { name in try archive.tensor(named: name) }
    }

    /// Whether all operators are there, which is not so for all networks yet.
    func isKnown() throws -> Bool {
        let unknown = try Model.load(floatSymbol, parameters: floatParameters).report.unknownOperators
        if !unknown.isEmpty { print("left out: \(name) has \(unknown.map(\.op))") }
        return unknown.isEmpty
    }
}
