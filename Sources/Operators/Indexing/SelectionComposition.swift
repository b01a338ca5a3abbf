import GraphIR
import TensorCore

/// GatherND with tuples in the first axis; GatherElements of one element of each row.
extension ONNXSelection: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, data = try composition.input(0), indices = try composition.input(1)
        let shape = try node.shape(0), places = try node.shape(1)
        switch kind {
        case .gatherND:
            guard try node.attributes.integer("batch_dims") ?? 0 == 0 else { return false }
            let order = [places.rank - 1] + Array(0..<places.rank - 1)
            try composition.finish(
                "gather_nd", [:], data, composition.add("transpose", ["axes": .integers(order)], indices))
        case .gatherElements:
            let axis = try node.attributes.integer("axis") ?? 0
            guard let axis = shape.normalized(axis: axis), places == shape.replacing(axis: axis, with: 1) else {
                return false
            }
            try composition.finish(
                "pick", ["axis": .integer(axis), "keepdims": .text("True"), "mode": .text("wrap")], data, indices)
        case .scatterElements, .scatterND: return false
        }
        return true
    }
}
