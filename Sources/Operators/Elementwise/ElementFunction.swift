import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// An operator that applies one function to each element of its first input: it may be fused into the layer before it.
protocol ElementFunction: OperatorDefinition {
    /// The function with the parameters that the attributes say.
    /// - Throws: `ModelError` for attributes that cannot be right, and for what is no function of one number.
    func function(of node: any NodeDescription) throws -> ActivationFunction
}

extension ElementFunction {
    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        _ = try function(of: node.node)
        return [try node.type(0)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        try lowerFunction(node, &lowering)
    }

    /// The kernel of the function: exact on integers for clip and relu, which are all that integers have.
    func lowerFunction(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let function = try function(of: node.node), source = try lowering.floatValue(node, 0)
        let type = lowering.type(of: source).dataType
        guard !type.isFloatingPoint else {
            return lowering.define(node, LoweredValue(try lowering.add(ActivationKernel(function), [source], node)))
        }
        let bounds: [(BinaryOperation, Float)]
        switch function.kind {
        case .relu where function.alpha == 0: bounds = [(.maximum, 0)]
        case .clip: bounds = [(.maximum, function.alpha), (.minimum, function.beta)]
        default:
            throw ModelError(
                "\(function.kind.rawValue) of \(type) cannot be computed", advice: "cast to float32 before it")
        }
        var result = source
        for (operation, bound) in bounds {
            let number = lowering.addConstant(Tensor(scalar: Double(bound), of: type))
            result = try lowering.add(BinaryKernel(operation), [result, number], node)
        }
        lowering.define(node, LoweredValue(result))
    }
}

/// A function of each element whose parameters are attributes that are numbers.
struct ParametricFunction: ElementFunction {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "MXNet has no int8 kernel for this function")
    let examples: [OperatorExample]
    private let kind: ActivationFunction.Kind
    private let alpha, beta: Parameter?

    struct Parameter {
        let name: String
        let standard: Float
        init(_ name: String, _ standard: Float) { (self.name, self.standard) = (name, standard) }
    }

    enum ONNXSpelling {
        /// ONNX's operator has the same attributes.
        case type(String, since: Int = 1, otherwise: ONNXExpression? = nil)
        /// For MXNet's operators that ONNX spells without attributes.
        case formula(@Sendable (ActivationFunction) -> ONNXExpression)
        /// Read by another operator.
        case plain(String)
    }

    /// - Parameter names: MXNet's names; for an ONNX operator that MXNet lacks its name alone, with `isMXNets: false`.
    init(
        _ names: String..., kind: ActivationFunction.Kind, alpha: Parameter? = nil, beta: Parameter? = nil,
        _ spelling: ONNXSpelling, isMXNets: Bool = true, attributes: String = "", summary: String
    ) {
        let name = names[0]
        self.name = name
        self.summary = summary
        self.kind = kind
        self.alpha = alpha
        self.beta = beta
        mxnet = isMXNets ? MXNetForm(names: names) : nil
        let parameters = [alpha, beta].compactMap { $0 }
        onnx = .mapped(
            ONNXMapping(
                types: { if case .type(let type, _, _) = spelling { [type] } else { [] } }(),
                write: { node, writing in
                    let function = try Self.function(of: node.node, kind, alpha, beta)
                    switch spelling {
                    case .formula(let formula): try writing.emit(formula(function), node)
                    case .plain(let type): try writing.emit(.op(type, .x), node)
                    case .type(let type, let since, let otherwise):
                        if writing.opset < since, let otherwise { return try writing.emit(otherwise, node) }
                        let values = [function.alpha, function.beta]
                        let attributes = zip(parameters, values).map { ONNXAttribute($0.name, .float($1)) }
                        try writing.emit(.apply(type, [.x], attributes), node)
                    }
                },
                read: { reading in
                    var attributes: Attributes = [:]
                    for parameter in parameters {
                        attributes[parameter.name] = .text(
                            "\(try reading.number(parameter.name) ?? parameter.standard)")
                    }
                    reading.define(name, attributes)
                }))
        func example(_ title: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[2, 3, 4] = input
                %scaled_output = _mul_scalar(%data) {scalar="4"}
                %result_output = \(name)(%scaled_output)\(attributes)
                return %result_output
                """)
        }
        examples =
            [example("as it is", "")] + (attributes.isEmpty ? [] : [example("other parameters", " {\(attributes)}")])
    }

    private static func function(
        of node: any NodeDescription, _ kind: ActivationFunction.Kind, _ alpha: Parameter?, _ beta: Parameter?
    ) throws -> ActivationFunction {
        func value(_ parameter: Parameter?) throws -> Float {
            guard let parameter else { return 0 }
            return Float(try node.attributes.number(parameter.name) ?? Double(parameter.standard))
        }
        return ActivationFunction(kind, alpha: try value(alpha), beta: try value(beta))
    }

    func function(of node: any NodeDescription) throws -> ActivationFunction {
        try Self.function(of: node, kind, alpha, beta)
    }
}
