import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's QuantizeLinear and DequantizeLinear where Quantize and Dequantize do not reach: scales that are computed, one
/// for each channel of an activation or for each block, codes of 16 bits.
/// Inputs: data, scales, and zero points, if there are any. Attributes: axis, block_size, and the type of the codes.
struct LinearQuantization: OperatorDefinition {
    enum Direction: String, CaseIterable { case quantize = "QuantizeLinear", dequantize = "DequantizeLinear" }

    let direction: Direction
    var name: String { direction.rawValue }
    var summary: String {
        direction == .quantize ? "float to codes with scales of any form" : "codes with scales of any form to float"
    }
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it is part of a quantized model already")

    var onnx: ONNXForm {
        .mapped(
            ONNXMapping(
                write: { node, writing in
                    let names = try node.node.inputs.indices.map { try writing.name(node, $0) }
                    let attributes = try ["axis", "block_size"].compactMap { name in
                        try node.attributes.integer(name).map { ONNXAttribute(name, .int($0)) }
                    }
                    writing.emit(name, node, inputs: names, attributes: attributes)
                }, read: { _ in }))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...3 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(try outputType(node), try node.type(0).shape)]
    }

    private func outputType(_ node: NodeReader) throws -> DataType {
        if direction == .dequantize { return .float32 }
        if node.hasInput(2) { return try node.type(2).dataType }
        return try node.attributes.choice("out_type", default: DataType.uint8)
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.value(node, $0).buffer }
        let size = try node.attributes.integer("block_size") ?? 0
        guard size >= 0 else { throw ModelError("block_size=\(size) is out of range") }
        let blocks = QuantizationBlocks(axis: try node.attributes.integer("axis") ?? 1, blockSize: size)
        let result =
            switch direction {
            case .quantize:
                try lowering.add(LinearQuantizeKernel(blocks: blocks, outputType: outputType(node)), operands, node)
            case .dequantize: try lowering.add(LinearDequantizeKernel(blocks: blocks), operands, node)
            }
        lowering.define(node, LoweredValue(result))
    }

    var examples: [OperatorExample] {
        switch direction {
        case .quantize:
            [
                OperatorExample(
                    "a scale for each channel",
                    """
                    %data: float32[2, 3, 2] = input
                    %scale: float32[3] = parameter(0.1, 0.2, 0.3)
                    %zero: uint8[3] = parameter(3, 128, 7)
                    %q_output = QuantizeLinear(%data, %scale, %zero) {axis=1}
                    return %q_output
                    """)
            ]
        case .dequantize:
            [
                OperatorExample(
                    "a scale for each block",
                    """
                    %data: int8[2, 4] = input
                    %scale: float32[2, 2] = parameter(0.1, 0.2, 0.3, 0.4)
                    %d_output = DequantizeLinear(%data, %scale) {axis=1, block_size=2}
                    return %d_output
                    """)
            ]
        }
    }
}

/// ONNX's DynamicQuantizeLinear: uint8 codes over the range of each run. Outputs: codes, scale, zero point.
struct DynamicQuantize: OperatorDefinition {
    let name = "DynamicQuantizeLinear"
    let summary = "float to uint8 over the range of the tensor at hand"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it is part of a quantized model already")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "DynamicQuantizeLinear",
            write: { node, writing in
                writing.emit(
                    "DynamicQuantizeLinear", node, inputs: [try writing.name(node, 0)],
                    outputs: node.node.outputs.map { node.graph[$0].name })
            }, read: { $0.define("DynamicQuantizeLinear") }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(.uint8, try node.type(0).shape), ValueType(.float32, []), ValueType(.uint8, [])]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let results = try lowering.addAll(DynamicQuantizeKernel(), [lowering.floatValue(node, 0)], node)
        for (index, result) in results.enumerated() { lowering.define(node, output: index, LoweredValue(result)) }
    }

    let examples = [
        OperatorExample(
            "codes, scale, zero point",
            """
            %data: float32[3, 4] = input
            %y, %scale, %zero = DynamicQuantizeLinear(%data)
            return %y, %scale, %zero
            """)
    ]
}
