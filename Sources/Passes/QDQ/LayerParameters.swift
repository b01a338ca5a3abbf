import GraphIR
import Operators
import TensorCore

/// Weights and bias of a layer in QDQ form as the integers that layers have here: int8 without zero point, and int32 on
/// the product of the steps of data and weights. Other tools store
///
///     uint8 weights with a zero point:            code − z, if all of them are int8
///     a bias in float, or on a step of its own:   round(bias / s_x / s_w), as ONNX Runtime does
struct LayerParameters {
    private enum Stored {
        case existing(ValueID)
        case made(Tensor, QuantizationGrid)
    }

    private(set) var names: [String] = []
    private var stored: [Stored] = []

    /// Nil if they are not stored, or do not fit.
    init?(of node: Node, in graph: Graph, sourceStep: Float) {
        guard node.inputs.count > 1, let weights = graph.codes(behind: node.inputs[1]),
            let codes = graph[weights].tensor, codes.shape.rank > 1, let grid = graph[weights].type?.quantization?.grid,
            grid.steps.count == 1 || grid.axis.flatMap({ codes.shape.normalized(axis: $0) }) == 0,
            grid.steps.count == 1 || grid.steps.count == codes.shape[0]
        else { return nil }
        if codes.dataType == .int8, grid.zeroPoint == 0 {
            append(graph[weights].name, .existing(weights))
        } else {
            guard codes.dataType.isCode, let centered = Self.centered(codes, on: grid.zeroPoint) else { return nil }
            append(graph[weights].name + "_int8", .made(centered, QuantizationGrid(steps: grid.steps, axis: grid.axis)))
        }
        guard node.inputs.count > 2, let bias = node.inputs[2] else { return }
        let steps = grid.steps.map { sourceStep * $0 }
        if let codes = graph.codes(behind: bias), graph[codes].tensor?.dataType == .int32,
            let given = graph[codes].type?.quantization?.grid, given.zeroPoint == 0, Self.agree(given.steps, steps)
        {
            append(graph[codes].name, .existing(codes))
        } else {
            guard let values = Self.real(bias, in: graph), let sums = Self.sums(values, steps) else { return nil }
            append(graph[bias].name + "_int32", .made(sums, QuantizationGrid(steps: steps, axis: grid.axis)))
        }
    }

    private mutating func append(_ name: String, _ value: Stored) {
        names.append(name)
        stored.append(value)
    }

    /// Adds what is not there yet.
    func add(to patch: inout GraphPatch) -> [ValueID?] {
        zip(names, stored).map { name, value in
            switch value {
            case .existing(let id): id
            case .made(let tensor, let grid): patch.addParameter(name, tensor, quantization: .known(grid))
            }
        }
    }

    /// Nil if a difference is no int8.
    private static func centered(_ codes: Tensor, on zeroPoint: Int) -> Tensor? {
        let differences = codes.asInts().map { Int8(exactly: $0 - zeroPoint) }
        guard differences.allSatisfy({ $0 != nil }) else { return nil }
        return Tensor(differences.compactMap { $0 }, shape: codes.shape)
    }

    private static func agree(_ a: [Float], _ b: [Float]) -> Bool {
        guard a.count == b.count || a.count == 1 || b.count == 1 else { return false }
        return (0..<max(a.count, b.count)).allSatisfy { index in
            let x = a[a.count == 1 ? 0 : index], y = b[b.count == 1 ? 0 : index]
            return abs(x - y) <= 1e-6 * abs(y)
        }
    }

    /// The numbers that a stored bias means, whether it is stored in float or as codes.
    private static func real(_ bias: ValueID, in graph: Graph) -> [Float]? {
        if let tensor = graph[bias].tensor { return tensor.floats() }
        guard let id = graph.codes(behind: bias), let codes = graph[id].tensor,
            let grid = graph[id].type?.quantization?.grid,
            grid.steps.count == 1 || grid.steps.count == codes.elementCount
        else { return nil }
        return codes.asInts().enumerated().map { index, code in
            Float(code - grid.zeroPoint) * grid.steps[grid.steps.count == 1 ? 0 : index]
        }
    }

    /// Nil if one does not fit into int32.
    private static func sums(_ values: [Float], _ steps: [Float]) -> Tensor? {
        guard steps.count == 1 || steps.count == values.count else { return nil }
        let sums = values.enumerated().map { index, value in
            Int32(exactly: (value / steps[steps.count == 1 ? 0 : index]).rounded(.toNearestOrEven))
        }
        guard sums.allSatisfy({ $0 != nil }) else { return nil }
        return Tensor(sums.compactMap { $0 })
    }
}
