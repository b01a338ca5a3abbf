import ONNXFormat
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// ONNX models that leave the batch open, as MXNet checkpoints for any batch.
struct OpenBatchTests {
    private static func constant(_ name: String, _ numbers: [Int64]) -> ONNXTensor {
        ONNXTensor(name: name, Tensor(numbers))
    }

    /// x.reshape(x.shape[0], …) as PyTorch exports it.
    private static func model(rest: [Int64]) throws -> Model {
        let axis = ONNXAttribute("axis", .int(0))
        let body = ONNXGraph(
            name: "g",
            nodes: [
                ONNXNode("Shape", name: "shape", inputs: ["x"], outputs: ["s"]),
                ONNXNode("Gather", name: "gather", inputs: ["s", "zero"], outputs: ["n"], attributes: [axis]),
                ONNXNode("Concat", name: "concat", inputs: ["n", "rest"], outputs: ["target"], attributes: [axis]),
                ONNXNode("Reshape", name: "view", inputs: ["x", "target"], outputs: ["y"]),
            ],
            initializers: [constant("zero", [0]), constant("rest", rest)],
            inputs: [
                ONNXValueInfo(
                    name: "x", type: .tensor(.float32, shape: [.symbolic("N"), .known(2), .known(3)]))
            ],
            outputs: [ONNXValueInfo(name: "y", type: .tensor(.float32, shape: nil))])
        return try Model(ONNXModel(irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: body), name: "m")
    }

    @Test(arguments: [[6], [3, 2], [-1]])
    func computedShapesCopyTheBatch(_ rest: [Int64]) throws {
        try Fixtures.withTemporaryFolder { folder in
            let result = try Self.model(rest: rest).saveMXNet(to: folder + "/m")
            #expect(result.losses == [])
            let input = Tensor((0..<30).map(Float.init), shape: [5, 2, 3])
            let back = try Model.load(folder + "/m", shapes: ["x": input.shape])
            let output = try ModelRunner(back, engine: .reference).run(["x": input])[0]
            #expect(output.shape.dimensions.first == 5 && output.floats() == input.floats())
        }
    }
}
