import ONNXFormat
import TensorCore
import Testing

@testable import Requant

/// Models of float64 are computed in float32; what that cannot hold is refused, not turned into infinity.
struct DoublePrecisionTests {
    private func runner() throws -> ModelRunner {
        let type = ONNXType.tensor(.float64, shape: [.known(2)])
        let graph = ONNXGraph(
            name: "doubles", nodes: [ONNXNode("Relu", name: "relu", inputs: ["x"], outputs: ["y"])],
            inputs: [ONNXValueInfo(name: "x", type: type)], outputs: [ONNXValueInfo(name: "y", type: type)])
        let file = ONNXModel(irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: graph)
        return ModelRunner(try Model(file, name: "doubles"))
    }

    @Test func valuesOfFloat32AreComputed() throws {
        #expect(try runner().run(["x": Tensor([-1.5, 2.5] as [Double])]) == [Tensor([0, 2.5] as [Double])])
    }

    @Test func valuesBeyondAreRefused() throws {
        let error = #expect(throws: ModelError.self) {
            try runner().run(["x": Tensor([1, 1e300] as [Double])])
        }
        #expect(error?.description.contains("beyond float32") ?? false)
    }
}
