import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// x ∘ scalar or scalar ∘ x (src/operator/tensor/elemwise_binary_scalar_op.h, NumpyBinaryScalarType).
///
/// A float keeps its type, and so does an integer with a whole number (`is_int`, the default: fractions of the scalar are
/// cut off). An integer and a fraction give float64; bool counts as int64.
struct ScalarOperator: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "MXNet has no int8 kernel for arithmetic with a number")
    let examples: [OperatorExample]
    private let arithmetic: ArithmeticFamily
    private let isReversed: Bool

    init(_ arithmetic: ArithmeticFamily, _ names: [String], isReversed: Bool) {
        self.arithmetic = arithmetic
        self.isReversed = isReversed
        name = names[0]
        summary = "\(arithmetic.operation.phrase) of \(isReversed ? "a number and a tensor" : "a tensor and a number")"
        mxnet = MXNetForm(names: names)
        onnx = Self.form(arithmetic, isReversed: isReversed)
        examples = Self.examples(names[0], arithmetic, isReversed: isReversed)
    }

    /// What ONNX says is read by the operator on two tensors.
    private static func form(_ arithmetic: ArithmeticFamily, isReversed: Bool) -> ONNXForm {
        guard arithmetic.formula != nil else {
            return .unsupported(because: "ONNX has neither this operation nor operators to build it from")
        }
        return .mapped(
            ONNXMapping(
                types: [],
                write: { node, writing in
                    let scalar = try Scalar(node, arithmetic)
                    let x = (ONNXExpression.x, try node.type(0).dataType)
                    let number = (ONNXExpression.number(scalar.value), scalar.computed)
                    let expression = try arithmetic.expression(
                        isReversed ? number : x, isReversed ? x : number, in: scalar.computed, to: scalar.result)
                    try writing.emit(expression, node, numberType: scalar.computed)
                },
                read: { try arithmetic.read(&$0) }))
    }

    /// The number of a node, and the types around it.
    private struct Scalar {
        let value: Double
        /// What both are converted to.
        let computed: DataType
        let result: DataType

        init(_ node: NodeReader, _ arithmetic: ArithmeticFamily) throws {
            guard let value = try node.attributes.number("scalar") else { throw ModelError("its scalar is missing") }
            let isWhole = try node.attributes.boolean("is_int") ?? true
            let operand = try node.type(0).dataType
            self.value = value
            let type: DataType =
                if operand.isFloatingPoint { operand } else if !isWhole { .float64 } else {
                    operand == .bool ? .int64 : operand
                }
            computed = arithmetic.computedType(type)
            result =
                arithmetic.result == .float && !operand.isFloatingPoint
                ? .float32 : arithmetic.resultType(ofOperands: type)
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(try Scalar(node, arithmetic).result, try node.type(0).shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let scalar = try Scalar(node, arithmetic)
        let source = try lowering.floatValue(node, 0)
        let number = lowering.addConstant(Tensor(scalar: scalar.value, of: scalar.computed))
        let result = try arithmetic.lower(
            isReversed ? number : source, isReversed ? source : number, in: scalar.computed, to: scalar.result, node,
            &lowering)
        lowering.define(node, LoweredValue(result))
    }

    private static func examples(_ name: String, _ arithmetic: ArithmeticFamily, isReversed: Bool) -> [OperatorExample]
    {
        var all = [
            OperatorExample(
                "a fraction",
                """
                %data: float32[2, 3, 4] = input
                %positive_output = abs(%data)
                %result_output = \(name)(%positive_output) {scalar="0.3"}
                return %result_output
                """)
        ]
        if !isReversed {
            all.append(
                OperatorExample(
                    "integers",
                    """
                    %data: int32[2, 3] = input {__dtype__="4", __shape__="(2, 3)"}
                    %result_output = \(name)(%data) {scalar="3"}
                    return %result_output
                    """))
        }
        if arithmetic.operation == .add {
            all.append(
                OperatorExample(
                    "integers and a fraction",
                    """
                    %data: int32[2, 3] = input {__dtype__="4", __shape__="(2, 3)"}
                    %result_output = \(name)(%data) {is_int="False", scalar="1.5"}
                    return %result_output
                    """))
        }
        return all
    }
}
