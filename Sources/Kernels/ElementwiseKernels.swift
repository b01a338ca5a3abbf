import TensorCore

/// A function of each element. float32 → float32, or code → the same code type (only relu with alpha 0 and clip).
public struct ActivationKernel: Kernel, Hashable {
    public static let name = "activation"
    public var function: ActivationFunction

    public init(_ function: ActivationFunction) { self.function = function }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] { [operands[0]] }
}

/// a ∘ b with NumPy's broadcasting. float32 only.
public struct BinaryKernel: Kernel, Hashable {
    public enum Operation: String, Sendable { case add, subtract, multiply, divide, maximum, minimum }

    public static let name = "binary"
    public var operation: Operation

    public init(_ operation: Operation) { self.operation = operation }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let a = operands[0].shape.dimensions, b = operands[1].shape.dimensions
        let rank = max(a.count, b.count)
        var extents: [Int] = []
        for axis in 0..<rank {
            let x = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
            let y = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
            guard x == y || x == 1 || y == 1 else {
                throw ModelError("shapes \(operands[0].shape) and \(operands[1].shape) do not broadcast")
            }
            extents.append(x == 1 ? y : x)
        }
        return [TensorType(operands[0].dataType, Shape(extents))]
    }
}

/// a · scaleA + b · scaleB, rounded to codes: the sum of two quantized tensors of one shape (uint8 or int8 each).
public struct ScaledAddKernel: Kernel, Hashable {
    public static let name = "scaled add"
    public var scaleA: Float
    public var scaleB: Float
    public var outputType: DataType
    /// Replaces negative sums by zero before rounding.
    public var relu: Bool

    public init(scaleA: Float, scaleB: Float, outputType: DataType, relu: Bool = false) {
        self.scaleA = scaleA
        self.scaleB = scaleB
        self.outputType = outputType
        self.relu = relu
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].shape == operands[1].shape else {
            throw ModelError("a sum of codes needs two operands of one shape, but got \(operands)")
        }
        return [TensorType(outputType, operands[0].shape)]
    }
}

/// x · scale[c] + shift[c] along axis 1: batch normalization with stored statistics. float32.
/// Operands: source N×C×…, scale [C], shift [C].
public struct ScaleShiftKernel: Kernel, Hashable {
    public static let name = "scale and shift"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 3, operands[0].shape.rank >= 2, operands[1].shape == [operands[0].shape[1]],
            operands[2].shape == operands[1].shape
        else { throw ModelError("scale and shift do not fit the channels of \(operands[0])") }
        return [operands[0]]
    }
}

/// exp(x) / Σ exp(x) along one axis, the largest subtracted first, or its logarithm. float32.
public struct SoftmaxKernel: Kernel, Hashable {
    public static let name = "softmax"
    public var axis: Int
    public var isLogarithm: Bool

    public init(axis: Int, isLogarithm: Bool = false) {
        self.axis = axis
        self.isLogarithm = isLogarithm
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] { [operands[0]] }
}

/// The same elements under another shape: costs nothing.
public struct ReshapeKernel: Kernel, Hashable {
    public static let name = "reshape"
    public var shape: Shape

    public init(_ shape: Shape) { self.shape = shape }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands[0].shape.elementCount == shape.elementCount else {
            throw ModelError("\(operands[0].shape) has not as many elements as \(shape)")
        }
        return [TensorType(operands[0].dataType, shape)]
    }
}

/// The same bytes read as another type of the same width: costs nothing.
public struct ReinterpretKernel: Kernel, Hashable {
    public static let name = "reinterpret"
    public var dataType: DataType

    public init(as dataType: DataType) { self.dataType = dataType }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(dataType, operands[0].shape)]
    }
}
