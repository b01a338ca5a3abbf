import GraphIR
import Kernels
import TensorCore

@testable import Operators
@testable import Requant

/// A run with all that was computed in it.
struct Observation {
    var outputs: [Tensor]
    /// As they are stored: codes are codes.
    var values: [String: Tensor] = [:]
    /// What they stand for.
    var floats: [String: Tensor] = [:]

    init(_ model: Model, _ inputs: [String: Tensor], _ engine: EngineChoice) throws {
        let runner = ModelRunner(model, engine: engine, threads: 1)
        var values: [String: Tensor] = [:], floats: [String: Tensor] = [:]
        outputs = try runner.run(inputs, observing: Set(model.graph.values.map(\.name))) { name, tensor in
            values[name] = tensor
            floats[name] = runner.dequantized(tensor, of: name)
        }
        for parameter in model.graph.parameters {
            values[parameter.name] = parameter.tensor
            floats[parameter.name] = parameter.dequantized
        }
        for (name, tensor) in inputs where values[name] == nil {
            values[name] = tensor
            floats[name] = tensor.asFloat32()
        }
        (self.values, self.floats) = (values, floats)
    }

    /// What one code is worth; nil if all codes are zero.
    func step(of value: String) -> Float? {
        guard let codes = values[value]?.floats(), let floats = floats[value]?.floats() else { return nil }
        return codes.indices.first { codes[$0] != 0 }.map { floats[$0] / codes[$0] }
    }

    /// The range of each float value of a model.
    func ranges(of model: Model) -> RangeTable {
        let names = model.calibratableValues.filter { values[$0]?.dataType == .float32 }
        return RangeTable(
            entries: names.map { name in
                let floats = values[name]?.floats() ?? []
                return .init(name: name, range: ValueRange(floats.min() ?? 0, floats.max() ?? 0), method: "naive")
            })
    }
}

extension Value {
    /// A stored tensor's meaning.
    fileprivate var dequantized: Tensor? {
        guard let tensor else { return nil }
        guard let grid = type?.quantization?.grid, grid.steps.count == 1 else { return tensor.asFloat32() }
        return Tensor(tensor.floats().map { ($0 - Float(grid.zeroPoint)) * grid.steps[0] }, shape: tensor.shape)
    }
}

extension Node {
    /// What the node alone makes of these inputs; parameters are told from data by `isParameter`.
    func evaluate(_ inputs: [Tensor?], isParameter: (Int) -> Bool) throws -> [Tensor] {
        var graph = Graph(name: "alone"), data: [Tensor] = []
        let operands = inputs.enumerated().map { index, tensor -> ValueID? in
            guard let tensor else { return nil }
            if isParameter(index) { return graph.addParameter("p\(index)", tensor) }
            data.append(tensor)
            return graph.addInput("x\(index)", type: ValueType(tensor.dataType, tensor.shape))
        }
        let id = graph.add(
            NodeDraft(
                name: name, op: op, attributes: attributes, inputs: operands, bodies: bodies,
                outputNames: outputs.indices.map { "y\($0)" }))
        graph.setOutputs(graph[id].outputs)
        try TypeInference().annotate(&graph)
        return try ReferenceExecutor(Lowering.lower(graph).program).run(data)
    }
}
