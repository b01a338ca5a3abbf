import Foundation
import OneDNNBackend
import Operators
import Requant
import TensorCore
import TestSupport
import Testing

/// The numbers that MXNet 1.9.1 computed from the same checkpoints.
struct ArithmeticTests {
    /// What MXNet computed with float weights: within 1e-5 of the largest output.
    @Test(arguments: ResidualNetwork.all, EngineChoice.allCases)
    func floatOutputsAreMXNets(_ network: ResidualNetwork, _ engine: EngineChoice) throws {
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let expected = try NumPyFile.read(network.path("01-fp32-output.npy")).floats()
        for model in [float, try float.fused().model] {
            let runner = ModelRunner(model, engine: engine, threads: 1)
            let output = try runner.run(["data": NumPyFile.read(network.path("input.npy"))])[0].floats()
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let difference = zip(output, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(difference <= 1e-5 * largest, "largest difference \(difference) of \(largest)")
        }
    }

    /// Without VNNI, oneDNN's sums of uint8 · int8 saturate in pairs: nothing can be said of its codes then.
    private static func isExact(_ engine: EngineChoice) -> Bool {
        if engine == .reference || InstructionSet.current.hasVNNI { return true }
        print("left out: \(InstructionSet.current) has no VNNI")
        return false
    }

    static let internals: [(ResidualNetwork, String)] = [
        (.mnist, "05-naive-postfused-auto-tw-full"), (.mnist, "05-naive-postfused-int8-tw-full"),
        (.photos, "05-naive-postfused-auto-tw-full"), (.photos, "05-naive-postfused-auto-tw-full-excl1"),
    ]

    /// Every layer's codes for one image: at least 99.9 % equal, none off by more than 1.
    @Test(arguments: internals, EngineChoice.allCases)
    func compatibleCodesAreMXNets(_ stage: (ResidualNetwork, String), _ engine: EngineChoice) throws {
        guard Self.isExact(engine) else { return }
        let (network, name) = stage
        let model = try Model.load(network.path("\(name)-symbol.json"), parameters: network.path("int8.params"))
        let runner = ModelRunner(model, engine: engine, arithmetic: .mxnet, threads: 1)
        let expected = try NumPyArchive(network.path("\(name)-internals1.npz"))
        let names = Set(expected.names)
        var compared = 0
        let values = Set(model.graph.values.filter { $0.producer != nil }.map(\.name))
        _ = try runner.run(
            ["data": NumPyFile.read(network.path("input.npy")).rows(0..<1)], observing: values
        ) { value, tensor in
            let key = [value, value + "0"].first(where: names.contains)
            guard let key, let codes = try? expected.tensor(named: key), codes.dataType.isCode else { return }
            compared += 1
            #expect(tensor.type == codes.type, "\(value)")
            let pairs = zip(tensor.asInts(), codes.asInts())
            let wrong = pairs.count { $0 != $1 }, largest = pairs.map { abs($0 - $1) }.max() ?? 0
            #expect(largest <= 1, "\(value): off by \(largest)")
            #expect(
                Double(wrong) <= 0.001 * Double(codes.elementCount),
                "\(value): \(wrong) of \(codes.elementCount) differ")
        }
        #expect(compared >= 20)
    }

    /// Stages that MXNet ran, whose symbol it saved.
    static let ran = ResidualNetwork.all.flatMap(\.stages).filter {
        $0.number > 2 && FileManager.default.fileExists(atPath: $0.network.path("\($0.name)-output.npy"))
    }

    @Test(arguments: ran, EngineChoice.allCases)
    func compatibleOutputsAreMXNets(_ stage: ResidualStage, _ engine: EngineChoice) throws {
        guard Self.isExact(engine) else { return }
        let model = try Model.load(stage.symbol, parameters: stage.parameters)
        let runner = ModelRunner(model, engine: engine, arithmetic: .mxnet, threads: 1)
        let expected = try NumPyFile.read(stage.network.path("\(stage.name)-output.npy")).floats()
        let output = try runner.run(["data": NumPyFile.read(stage.network.path("input.npy"))])[0].floats()
        let difference = zip(output, expected).map { abs($0 - $1) }.max() ?? 0
        let largest = expected.reduce(0) { max($0, abs($1)) }
        #expect(difference <= 1e-5 * largest)
    }
}
