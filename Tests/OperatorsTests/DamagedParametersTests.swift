import GraphIR
import Operators
import TensorCore
import Testing

/// Parameters that do not fit their layer are refused with the layer's name, in float and quantized; nothing crashes.
struct DamagedParametersTests {
    static let damages: [(String, Tensor)] = [
        ("weight", Tensor([1] as [Float], shape: [])),
        ("weight", Tensor([1, 2, 3] as [Float])),
        ("weight", Tensor([Float](repeating: 1, count: 36), shape: [4, 1, 3, 3])),
        ("weight", Tensor([Float](), shape: [0, 3, 3, 3])),
        ("bias", Tensor([1] as [Float])),
        ("bias", Tensor([Float](repeating: 1, count: 9))),
        ("gamma", Tensor([1] as [Float])),
        ("var", Tensor([Float]())),
    ]

    @Test(arguments: try ExampleCase.examples() + ExampleCase.quantized(), damages)
    func theyAreRefused(_ example: ExampleCase, _ damage: (name: String, tensor: Tensor)) throws {
        guard example.op != "broadcast_add", let value = example.graph.value(named: damage.name), value.tensor != nil,
            value.tensor?.shape != damage.tensor.shape
        else { return }
        var graph = example.graph
        graph.setTensor(damage.tensor, of: value.id)
        for engine in ExampleCase.Engine.allCases {
            #expect(throws: ModelError.self) {
                try ExampleCase(family: example.family, op: example.op, title: example.title, graph: graph).run(engine)
            }
        }
    }
}
