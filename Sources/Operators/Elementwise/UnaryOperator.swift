import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// f(x) of each element (src/operator/tensor/elemwise_unary_op_*.cc). The result has the type of the operand: MXNet
/// computes functions of integers, too, and cuts the fractions off. NumPy's questions, `_npi_isnan`, are answered in bool.
struct UnaryOperator: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "MXNet has no int8 kernel for this function")
    let examples: [OperatorExample]
    let function: UnaryFunction
    private let isAnsweredInBool: Bool

    /// Where the examples' operands lie, as not every function is defined everywhere.
    enum Domain { case aroundZero, positive, aboveOne, integers }

    enum ONNXSpelling {
        /// The operator that means the same, and only that.
        case type(String, floatsOnly: Bool = true, since: Int = 7)
        /// One that takes booleans.
        case logic(String)
        case formula(ONNXExpression, floatsOnly: Bool = true)
        case none(because: String)
    }

    /// - Parameters:
    ///   - aliases: other names beside `_npi_NAME` and `_sparse_NAME`, which NumPy uses for questions of
    ///     its own; nil if MXNet does not have the function at all.
    ///   - isAnsweredInBool: whether a question is answered in bool and not in the operand's type.
    init(
        _ name: String, _ function: UnaryFunction, _ spelling: ONNXSpelling, aliases: [String]? = [],
        isAnsweredInBool: Bool = false, examples domains: [Domain] = [.aroundZero], summary: String? = nil
    ) {
        self.name = name
        self.function = function
        self.isAnsweredInBool = isAnsweredInBool
        self.summary = summary ?? "\(name.replacing("_npi_", with: "")) of each element"
        mxnet = aliases.map { aliases in
            let standard = name.hasPrefix("_") || function.isQuestion ? [] : ["_npi_\(name)", "_sparse_\(name)"]
            return MXNetForm(names: [name] + standard.filter { !aliases.contains($0) } + aliases)
        }
        onnx = Self.form(name, spelling, isQuestion: function.isQuestion, isAnsweredInBool: isAnsweredInBool)
        examples = domains.map { Self.example(name, $0) }
    }

    private static func form(
        _ name: String, _ spelling: ONNXSpelling, isQuestion: Bool, isAnsweredInBool: Bool
    ) -> ONNXForm {
        let formula: ONNXExpression, types: [String], floatsOnly: Bool
        var since = 7
        switch spelling {
        case .none(let reason): return .unsupported(because: reason)
        case .formula(let expression, let isFloatsOnly): (formula, types, floatsOnly) = (expression, [], isFloatsOnly)
        case .logic(let type): (formula, types, floatsOnly) = (.op(type, .x), [type], false)
        case .type(let type, let isFloatsOnly, let opset):
            (formula, types, floatsOnly, since) = (.op(type, .x), [type], isFloatsOnly, opset)
        }
        return .mapped(
            ONNXMapping(
                types: types,
                write: { node, writing in
                    let type = try node.type(0).dataType.computed
                    var expression = formula
                    if case .logic = spelling, type != .bool {
                        expression = expression.replacingInput(with: .x.isNotZero)
                    }
                    if floatsOnly && type != .float32 {
                        expression = expression.replacingInput(with: .x.cast(to: .float32))
                        if !isAnsweredInBool { expression = expression.cast(to: type) }
                    } else if isQuestion && !isAnsweredInBool {
                        expression = expression.cast(to: type)
                    }
                    try writing.emit(expression, node, numberType: floatsOnly ? .float32 : type)
                },
                read: { reading in
                    // IsInf may ask for one of the two.
                    let asks = (
                        try reading.integer("detect_negative") ?? 1, try reading.integer("detect_positive") ?? 1
                    )
                    switch asks {
                    case (1, 1): reading.define(name)
                    case (1, 0): reading.define("_npi_isneginf")
                    case (0, 1): reading.define("_npi_isposinf")
                    default: throw ModelError("detects neither of the infinities")
                    }
                }
            ).since(since))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        return [ValueType(isAnsweredInBool ? .bool : type.dataType, type.shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        var result = try lowering.add(UnaryKernel(function), [source], node)
        if function.isQuestion && !isAnsweredInBool {
            result = try lowering.converted(result, to: lowering.type(of: source).dataType, node)
        }
        lowering.define(node, LoweredValue(result))
    }

    private static func example(_ name: String, _ domain: Domain) -> OperatorExample {
        let call = "%result_output = \(name)(%"
        return switch domain {
        case .aroundZero:
            OperatorExample(
                "around zero",
                """
                %data: float32[2, 3, 5] = input
                \(call)data)
                return %result_output
                """)
        case .positive:
            OperatorExample(
                "positive numbers",
                """
                %data: float32[2, 3, 5] = input
                %positive_output = abs(%data)
                \(call)positive_output)
                return %result_output
                """)
        case .aboveOne:
            OperatorExample(
                "numbers above one",
                """
                %data: float32[2, 3, 5] = input
                %positive_output = abs(%data)
                %large_output = exp(%positive_output)
                \(call)large_output)
                return %result_output
                """)
        case .integers:
            OperatorExample(
                "integers",
                """
                %data: int32[2, 3] = input {__dtype__="4", __shape__="(2, 3)"}
                \(call)data)
                return %result_output
                """)
        }
    }
}

extension ONNXExpression {
    func replacingInput(with operand: ONNXExpression) -> ONNXExpression {
        switch self {
        case .input: operand
        case .number, .value: self
        case .apply(let type, let operands, let attributes):
            .apply(type, operands.map { $0.replacingInput(with: operand) }, attributes)
        }
    }
}
