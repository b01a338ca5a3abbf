import TensorCore

/// What becomes of an element that is written to.
public enum ScatterReduction: String, Sendable, CaseIterable {
    case none, add, mul, max, min
}

/// A copy of the source in which result[…, indices[…, i, …], …] = updates[…, i, …] along an axis.
/// Operands: source of any type, indices of any type, updates of the source's type with the indices' shape.
public struct ScatterElementsKernel: Kernel, Hashable {
    public static let name = "scatter elements"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// What is done where several elements go to one place.
    public var reduction: ScatterReduction

    public init(axis: Int, reduction: ScatterReduction = .none) {
        self.axis = axis
        self.reduction = reduction
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        _ = try GatherElementsKernel(axis: axis, mode: .fromEnd).resultTypes(operands)
        guard operands.count == 3, operands[2] == TensorType(operands[0].dataType, operands[1].shape) else {
            throw ModelError("updates do not fit: \(operands)")
        }
        return [operands[0]]
    }
}

/// A copy of the source in which result[indices[i…, 0], …, indices[i…, m − 1], q…] = updates[i…, q…].
/// Operands: source of any type, indices of any type, updates of the source's type.
public struct ScatterNDKernel: Kernel, Hashable {
    public static let name = "scatter n-d"
    /// What is done where several elements go to one place.
    public var reduction: ScatterReduction

    public init(reduction: ScatterReduction = .none) { self.reduction = reduction }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let updates = try GatherNDKernel(mode: .fromEnd).resultTypes(operands)
        guard operands.count == 3, [operands[2]] == updates else {
            throw ModelError("updates do not fit: \(operands)")
        }
        return [operands[0]]
    }
}
