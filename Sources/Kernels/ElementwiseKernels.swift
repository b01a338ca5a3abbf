import TensorCore

/// A function of each element that may have parameters, as layers apply it. float32 → float32, or code → the same code
/// type (only relu with alpha 0 and clip).
public struct ActivationKernel: Kernel, Hashable {
    public static let name = "activation"
    /// What is computed of each element.
    public var function: ActivationFunction

    public init(_ function: ActivationFunction) { self.function = function }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] { [operands[0]] }
}

/// A function of mathematics of each element. float32, or integers, which stay exact where the function does.
///
/// Results have the type of the operand, except those of questions such as `isNaN`, which are bool. What a function of an
/// integer gives beyond whole numbers is cut off, as MXNet does.
public struct UnaryKernel: Kernel, Hashable {
    public static let name = "unary"
    /// What is computed of each element.
    public var function: UnaryFunction

    public init(_ function: UnaryFunction) { self.function = function }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(function.isQuestion ? .bool : operands[0].dataType, operands[0].shape)]
    }
}

/// a ∘ b with NumPy's broadcasting. Both float32, or both of one integer type, which are computed as integers.
///
/// Results have the type of the operands, except those of comparisons and of logic, which are bool.
public struct BinaryKernel: Kernel, Hashable {
    public static let name = "binary"
    /// What is computed.
    public var operation: BinaryOperation

    public init(_ operation: BinaryOperation) { self.operation = operation }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].dataType == operands[1].dataType else {
            throw ModelError("\(operation.rawValue) needs two operands of one type, but got \(operands)")
        }
        let shape = try Shape(broadcasting: operands.map(\.shape))
        return [TensorType(operation.isQuestion ? .bool : operands[0].dataType, shape)]
    }
}

/// condition ≠ 0 ? a : b, element by element, with NumPy's broadcasting. a and b are of one type, whichever it is.
public struct SelectKernel: Kernel, Hashable {
    public static let name = "select"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 3, operands[1].dataType == operands[2].dataType else {
            throw ModelError("a choice needs a condition and two operands of one type, but got \(operands)")
        }
        return [TensorType(operands[1].dataType, try Shape(broadcasting: operands.map(\.shape)))]
    }
}

/// The same values in another type.
///
/// To an integer: the fraction is cut off, then what does not fit wraps around. To bool: whether it is not zero. To a
/// narrower float: the nearest, of two equally near ones the even.
public struct ConvertKernel: Kernel, Hashable {
    public static let name = "convert"
    /// The type of the results.
    public var dataType: DataType

    public init(to dataType: DataType) { self.dataType = dataType }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(dataType, operands[0].shape)]
    }
}

/// a · scaleA + b · scaleB, rounded to codes: the sum of two quantized tensors of one shape (uint8 or int8 each).
public struct ScaledAddKernel: Kernel, Hashable {
    public static let name = "scaled add"
    /// Real units per code of the first operand, over that of the result.
    public var scaleA: Float
    /// Real units per code of the second operand, over that of the result.
    public var scaleB: Float
    /// The type of the results.
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
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// Gives the logarithms instead.
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
    /// The extents of the result, outermost axis first.
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
    /// The type of the results.
    public var dataType: DataType

    public init(as dataType: DataType) { self.dataType = dataType }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(dataType, operands[0].shape)]
    }
}
