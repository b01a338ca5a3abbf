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

    /// A stored operand of the data's shape for a batch of one is broadcast over others; and Paddle's −1 is open.
    @Test func additionsBroadcastOverTheBatch() throws {
        let body = ONNXGraph(
            name: "g", nodes: [ONNXNode("Add", name: "sum", inputs: ["x", "b"], outputs: ["y"])],
            initializers: [ONNXTensor(name: "b", Tensor([1, 2] as [Float], shape: [1, 2]))],
            inputs: [ONNXValueInfo(name: "x", type: .tensor(.float32, shape: [.known(-1), .known(2)]))],
            outputs: [ONNXValueInfo(name: "y", type: .tensor(.float32, shape: nil))])
        let file = ONNXModel(irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: body)
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/m.onnx"
            try ModelWriter.write(file, to: path)
            let result = try Model.load(path).saveMXNet(to: folder + "/m")
            #expect(result.losses == [])
            let input = Tensor((0..<6).map(Float.init), shape: [3, 2])
            let back = try Model.load(folder + "/m", shapes: ["x": input.shape])
            #expect(back.graph.nodes.map(\.op) == ["broadcast_add"])
            #expect(try ModelRunner(back, engine: .reference).run(["x": input])[0].floats() == [1, 3, 3, 5, 5, 7])
        }
    }

    /// MXNet's Module wants the shapes of all constants before it reads them; those of weights it finds itself.
    @Test func constantsBringTheirShapes() throws {
        let body = ONNXGraph(
            name: "g",
            nodes: [
                ONNXNode("Gemm", name: "fc", inputs: ["x", "w"], outputs: ["z"], attributes: []),
                ONNXNode("Add", name: "sum", inputs: ["z", "b"], outputs: ["y"]),
            ],
            initializers: [
                ONNXTensor(name: "w", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])),
                ONNXTensor(name: "b", Tensor([1, 2] as [Float])),
            ],
            inputs: [ONNXValueInfo(name: "x", type: .tensor(.float32, shape: [.known(3), .known(2)]))],
            outputs: [ONNXValueInfo(name: "y", type: .tensor(.float32, shape: nil))])
        let file = ONNXModel(irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: body)
        try Fixtures.withTemporaryFolder { folder in
            _ = try Model(file, name: "m").saveMXNet(to: folder + "/m")
            let back = try Model.load(folder + "/m", shapes: ["x": [3, 2]])
            let shapes = back.graph.parameters.filter { $0.attributes["__shape__"] != nil }
            #expect(shapes.map(\.name) == ["b"])
            #expect(shapes.first?.attributes["__shape__"]?.description == "(2,)")
            #expect(shapes.first?.attributes["__dtype__"]?.description == "0")
        }
    }
}
