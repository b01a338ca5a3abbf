import GraphIR
import TensorCore

/// Arithmetic of two tensors that MXNet can also do on codes: what the float operator is, and what becomes of it on codes.
struct QuantizableArithmetic<Codes: ArithmeticOnCodes>: OperatorDefinition {
    let float: any OperatorDefinition
    let codes: Codes

    var name: String { float.name }
    var summary: String { float.summary }
    var onnx: ONNXForm { float.onnx }
    var quantization: QuantizationRule {
        var twin = Codes.twin
        let refusal = twin.refusal
        twin.refusal = { node in
            let isFloat = (try? node.type(0).dataType.isFloatingPoint) ?? true
            return isFloat ? refusal(node) : "whole numbers are computed exactly as they are"
        }
        return .quantized(twin)
    }
    var examples: [OperatorExample] { float.examples }

    var mxnet: MXNetForm? {
        var form = float.mxnet
        form?.quantizedName = Codes.quantizedName
        form?.rangedInputs = { _ in [0, 1] }
        form?.quantizedOutputIsTriple = { node in
            !((try? node.attributes.boolean(CalibratedRange.floatOutput)) ?? false)
        }
        return form
    }

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> { try float.inputCount(node) }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (a, b) = (try node.type(0), try node.type(1))
        guard a.isQuantized, b.isQuantized else { return try float.inferTypes(node) }
        if let x = a.shape, let y = b.shape, x != y {
            throw ModelError("\(x) and \(y) differ, but \(name) needs one shape")
        }
        let shape = a.shape ?? b.shape
        if try node.attributes.boolean(CalibratedRange.floatOutput) ?? false { return [ValueType(.float32, shape)] }
        return [
            try CalibratedRange.resultType(node.attributes, codes.codeType(a.dataType, b.dataType), shape)
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let areCodes = try node.type(0).isQuantized && node.type(1).isQuantized
        try areCodes ? codes.lower(node, &lowering) : float.lower(node, &lowering)
    }
}

/// The part of such an operator that works on codes.
protocol ArithmeticOnCodes: Sendable {
    /// MXNet's name.
    static var quantizedName: String { get }
    static var twin: QuantizedTwin { get }
    /// The type of a calibrated result.
    func codeType(_ a: DataType, _ b: DataType) -> DataType
    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws
}
