import Foundation
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Float, fused and quantized models as ONNX and back.
struct ONNXRoundTripTests {
    private static func load(_ network: ResidualNetwork, _ stage: String) throws -> (model: Model, input: Tensor) {
        let input = try NumPyFile.read(network.path("input.npy"))
        let isFloat = stage.hasPrefix("01") || stage.hasPrefix("02")
        let model = try Model.load(
            network.path("\(stage)-symbol.json"),
            parameters: isFloat ? network.floatParameters : network.path("int8.params"),
            shapes: ["data": input.shape])
        return (model, input)
    }

    private static func run(_ model: Model, _ input: Tensor) throws -> [Float] {
        try ModelRunner(model, engine: .reference).run(["data": input])[0].floats()
    }

    @Test(arguments: ResidualNetwork.all, ["01-fp32", "02-fused"])
    func floatModelsComputeTheSame(_ network: ResidualNetwork, _ stage: String) throws {
        let (model, input) = try Self.load(network, stage)
        try Fixtures.withTemporaryFolder { folder in
            _ = try model.saveONNX(to: folder + "/m.onnx")
            let back = try Model.load(folder + "/m.onnx")
            #expect(back.report.unknownOperators.isEmpty && back.report.losses == [])
            let expected = try Self.run(model, input), output = try Self.run(back, input)
            let difference = zip(expected, output).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= 1e-5 * (expected.map(abs).max() ?? 0))
        }
    }

    @Test(arguments: ResidualNetwork.all, ResidualForm.allCases)
    func quantizedModelsComputeTheSame(_ network: ResidualNetwork, _ residual: ResidualForm) throws {
        let (model, input) = try Self.load(network, "05-naive-postfused-auto-tw-full")
        try Fixtures.withTemporaryFolder { folder in
            var options = ONNXOptions()
            options.residual = residual
            _ = try model.saveONNX(to: folder + "/m.onnx", options)
            let qdq = try Model.load(folder + "/m.onnx")
            #expect(qdq.report.unknownOperators.isEmpty && qdq.report.losses == [])
            let expected = try Self.run(model, input)
            // As the file has it: every layer computes with the same integers again; with --residual runtime, sums are
            // rounded once more, which the run repeats.
            if residual == .runtime {
                let twice = try Self.run(try qdq.collapsed(), input)
                #expect(twice != expected)
                #expect(Self.topClasses(twice, of: input.shape[0]) == Self.topClasses(expected, of: input.shape[0]))
            }
            let collapsed = try qdq.run(Pipelines.fromQDQ(dropsInnerRounding: true)).model
            #expect(
                collapsed.graph.nodes.count { $0.op == "FusedConvolution" }
                    == model.graph.nodes.count { $0.op == "FusedConvolution" })
            #expect(!collapsed.graph.nodes.contains { $0.op == "Convolution" || $0.op == "Dequantize" })
            let output = try Self.run(collapsed, input)
            let difference = zip(expected, output).map { abs($0 - $1) }.max() ?? 0
            #expect(difference == 0)

            // Back in MXNet's form. What MXNet rounds otherwise is said, and is a code here and there.
            let result = try qdq.saveMXNet(to: folder + "/back")
            #expect(
                result.losses.allSatisfy {
                    $0.contains("another code of 1 of its") || $0.contains("half of their range")
                        || $0.contains("once instead of twice")
                })
            let again = try Self.run(try Model.load(folder + "/back"), input)
            let largest = expected.map(abs).max() ?? 0
            #expect(zip(expected, again).allSatisfy { abs($0 - $1) <= 1e-2 * largest })
            #expect(Self.topClasses(again, of: input.shape[0]) == Self.topClasses(expected, of: input.shape[0]))
        }
    }

    /// Calibrated, but not fused again: weights on one grid, requantize behind the layer. Without ranges there is no QDQ
    /// form.
    @Test func calibratedStagesBecomeONNXAndUncalibratedOnesAreRefused() throws {
        try Fixtures.withTemporaryFolder { folder in
            let (calibrated, input) = try Self.load(.mnist, "04-naive-auto-tw-full")
            _ = try calibrated.saveONNX(to: folder + "/m.onnx")
            let output = try Self.run(try Model.load(folder + "/m.onnx").collapsed(), input)
            let expected = try Self.run(calibrated, input), largest = expected.map(abs).max() ?? 0
            #expect(zip(expected, output).allSatisfy { abs($0 - $1) <= 1e-2 * largest })
            #expect(Self.topClasses(output, of: input.shape[0]) == Self.topClasses(expected, of: input.shape[0]))

            let (uncalibrated, _) = try Self.load(.mnist, "03-none-auto-tw-full")
            #expect(throws: ModelError.self) { try uncalibrated.saveONNX(to: folder + "/n.onnx") }
            #expect(!FileManager.default.fileExists(atPath: folder + "/n.onnx"))
        }
    }

    private static func topClasses(_ outputs: [Float], of samples: Int) -> [Int] {
        let classes = outputs.count / samples
        return (0..<samples).map { row in
            (0..<classes).max { outputs[row * classes + $0] < outputs[row * classes + $1] } ?? 0
        }
    }
}
