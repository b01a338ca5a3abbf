import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's MatMulInteger: int32 sums of products of codes less their zero points.
/// Inputs: a …×M×K, b …×K×N, zero points of a (one, or one a row), zero points of b (one, or one a column).
struct IntegerProduct: OperatorDefinition {
    let name = "MatMulInteger"
    let summary = "product of matrices of codes with zero points, in int32"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it is part of a quantized model already")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "MatMulInteger",
            write: { node, writing in
                writing.emit(
                    "MatMulInteger", node,
                    inputs: try node.node.inputs.indices.map { node.hasInput($0) ? try writing.name(node, $0) : "" })
            }, read: { $0.define("MatMulInteger") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...4 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let a = try node.type(0).shape, let b = try node.type(1).shape else { return [ValueType(.int32, nil)] }
        let operands = [TensorType(.int32, a), TensorType(.int32, b)]
        return [ValueType(.int32, try MatMulKernel().resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try [0, 1].map { index in
            try lowering.centeredCodes(node, index, zeroPoint: index + 2, axis: index == 0 ? -2 : -1)
        }
        lowering.define(node, LoweredValue(try lowering.add(MatMulKernel(), operands, node)))
    }

    let examples = [
        OperatorExample(
            "a zero point for each column",
            """
            %a: uint8[2, 3] = input
            %b: int8[3, 2] = parameter(...)
            %zero: uint8[] = parameter(12)
            %b_zero: int8[2] = parameter(1, -3)
            %y_output = MatMulInteger(%a, %b, %zero, %b_zero)
            return %y_output
            """)
    ]
}

extension Lowering {
    /// The codes of an input less their zero points, as int32.
    mutating func centeredCodes(_ node: NodeReader, _ input: Int, zeroPoint: Int, axis: Int) throws -> BufferID {
        let codes = try value(node, input).buffer
        let zero = try node.hasInput(zeroPoint) ? value(node, zeroPoint).buffer : addConstant(Tensor([0] as [Int32]))
        return try add(CenterCodesKernel(axis: axis), [codes, zero], node)
    }
}
