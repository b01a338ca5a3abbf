import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// One operation on two numbers, and the operators that apply it: to tensors of one shape, to tensors that are repeated
/// along axes of extent 1, and to a tensor and a number.
struct ArithmeticFamily: Sendable {
    let operation: BinaryOperation
    /// How results are typed.
    var result = Result.promoted
    /// Names of the operator on tensors of one shape; MXNet's, as all names here.
    var elementwise: [String] = []
    var broadcast: [String] = []
    /// x ∘ scalar, and scalar ∘ x.
    var scalar: [String] = []
    var reversedScalar: [String] = []
    /// The ONNX operator with the same meaning, if there is one that is not read as something else.
    var onnxType: String?
    /// The one for integers, where ONNX has another for them.
    var onnxIntegerType: String?
    /// What it is in ONNX; nil where nothing is.
    var formula: (@Sendable (ONNXExpression, ONNXExpression) -> ONNXExpression)?
    /// The same for integers, where it differs.
    var integerFormula: (@Sendable (ONNXExpression, ONNXExpression) -> ONNXExpression)?
    /// Whether MXNet has the operators.
    var isMXNets = true
    /// Whether integers are computed in float32, and what they give is cut off.
    var isOfFloats = false

    enum Result {
        /// That of the operands; of different ones that which holds the values of both. Answers are 0 and 1 in it.
        case promoted
        /// Questions of NumPy's operators are answered in bool.
        case bool
        /// NumPy's division of integers gives float32.
        case float
    }

    /// The type that operands of these types are computed in, before questions are answered.
    static func promoted(_ a: DataType, _ b: DataType) -> DataType {
        func rank(_ type: DataType) -> Int {
            switch type {
            case .bool: 0
            case .uint8, .int8: 1
            case .uint16, .int16: 2
            case .uint32, .int32: 3
            case .uint64, .int64: 4
            case .float16, .bfloat16: 5
            case .float32: 6
            case .float64: 7
            }
        }
        return rank(a) >= rank(b) ? a : b
    }

    func resultType(ofOperands type: DataType) -> DataType {
        switch result {
        case .promoted: type
        case .bool: .bool
        case .float: type.isFloatingPoint ? type : .float32
        }
    }

    /// The type that the numbers are converted to before they are computed with.
    func computedType(_ operands: DataType) -> DataType {
        result == .float || isOfFloats ? .float32 : operands.computed
    }

    /// Appends the conversions, the operation itself, and what makes the result of type `result`.
    func lower(
        _ a: BufferID, _ b: BufferID, in type: DataType, to result: DataType, _ node: NodeReader,
        _ lowering: inout Lowering
    ) throws -> BufferID {
        let operands = [try lowering.converted(a, to: type, node), try lowering.converted(b, to: type, node)]
        let value = try lowering.add(BinaryKernel(operation), operands, node)
        return try lowering.converted(value, to: result.computed, node)
    }

    /// The operation in ONNX: operands cast where their types differ from `type`, and the result where `result` does.
    func expression(
        _ a: (ONNXExpression, DataType), _ b: (ONNXExpression, DataType), in type: DataType, to result: DataType
    ) throws -> ONNXExpression {
        guard let formula = type.isFloatingPoint || type == .bool ? formula : integerFormula ?? formula else {
            throw ModelError("ONNX has nothing for it")
        }
        func cast(_ operand: (ONNXExpression, DataType)) -> ONNXExpression {
            operand.1.computed == type ? operand.0 : operand.0.cast(to: type)
        }
        let value = formula(cast(a), cast(b))
        let answer: DataType = operation.isQuestion ? .bool : type
        return answer == result.computed ? value : value.cast(to: result.computed)
    }

    var definitions: [any OperatorDefinition] {
        var all: [any OperatorDefinition] = []
        if !elementwise.isEmpty { all.append(BinaryOperator(self, elementwise, broadcasts: false)) }
        if !broadcast.isEmpty { all.append(BinaryOperator(self, broadcast, broadcasts: true)) }
        if !scalar.isEmpty { all.append(ScalarOperator(self, scalar, isReversed: false)) }
        if !reversedScalar.isEmpty { all.append(ScalarOperator(self, reversedScalar, isReversed: true)) }
        return all
    }
}
