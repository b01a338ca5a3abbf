import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Models that ONNX Runtime's tool quantized, against what ONNX Runtime computes.
struct QuantizedONNXTests {
    static let names = [
        "u8s8", "s8s8", "u8u8", "u8s8-channel", "s8s8-symmetric", "weight-pairs", "float-bias", "qoperator",
    ]

    private static func load(_ name: String) throws -> Model {
        try Model.load(Fixtures.path("onnx/quantized/\(name).onnx"))
    }

    private static func array(_ name: String) throws -> Tensor {
        try NumPyArchive(Fixtures.path("onnx/quantized/outputs.npz")).tensor(named: name)
    }

    private static func run(_ model: Model, _ engine: EngineChoice) throws -> [Float] {
        try ModelRunner(try model.collapsed(), engine: engine).run(["x": array("x")])[0].floats()
    }

    /// The step of the results is 0.0089 or longer.
    private static func expectEqual(_ output: [Float], _ name: String, within tolerance: Float = 1e-5) throws {
        let expected = try array(name).floats()
        #expect(output.count == expected.count)
        for (a, b) in zip(output, expected) { #expect(abs(a - b) <= tolerance, "\(name)") }
    }

    @Test(arguments: names, [EngineChoice.reference, .onednn])
    func computesWhatONNXRuntimeComputes(_ name: String, _ engine: EngineChoice) throws {
        try Self.expectEqual(try Self.run(Self.load(name), engine), name)
    }

    /// Not where weights less their zero point are no int8, nor where they are stored in float.
    @Test(arguments: names.filter { $0 != "u8u8" && $0 != "weight-pairs" }) func layersComputeInIntegers(_ name: String)
        throws
    {
        let graph = try Self.load(name).collapsed().graph
        #expect(!graph.nodes.contains { $0.op == "Convolution" || $0.op == "FullyConnected" })
    }

    @Test(arguments: names, [false, true])
    func isWrittenInBothForms(_ name: String, _ usesMicrosoftOperators: Bool) throws {
        try Fixtures.withTemporaryFolder { folder in
            var options = ONNXOptions()
            for form in QuantizedForm.allCases {
                options.form = form
                options.usesMicrosoftOperators = usesMicrosoftOperators
                let path = "\(folder)/\(form).onnx"
                _ = try Self.load(name).saveONNX(to: path, options)
                try Self.expectEqual(try Self.run(Model.load(path), .reference), name)
            }
        }
    }

    @Test func mxnetHoldsSymmetricGridsOnly() throws {
        try Fixtures.withTemporaryFolder { folder in
            let error = try #require(throws: ModelError.self) { try Self.load("u8s8").saveMXNet(to: folder + "/m") }
            #expect(error.problem.contains("zero point") && error.advice?.contains("--requantize") == true)
            let result = try Self.load("u8s8").saveMXNet(to: folder + "/m", requantizes: true)
            #expect(result.losses.contains { $0.contains("dB") })
            let output = try Self.run(try Model.load(folder + "/m", shapes: ["x": [1, 2, 4, 4]]), .reference)
            try Self.expectEqual(output, "u8s8", within: 0.1)
        }
    }
}
