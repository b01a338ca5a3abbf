import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's non-maximum suppression; see `NonMaxSuppressionKernel`. How many rows there are, only the data decides.
///
/// The inputs that a node leaves out are not among its inputs here; the attribute `inputs` names those that it has.
struct NonMaxSuppression: OperatorDefinition {
    let name = "NonMaxSuppression"
    let summary = "the boxes that no better box of their class overlaps, as ONNX has it"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "selects boxes; MXNet has no such operator")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "NonMaxSuppression",
            write: { node, writing in
                let present = try NonMaxSuppression.operands(node)
                let last = present.last.flatMap(Operand.allCases.firstIndex) ?? 0
                let inputs = try Operand.allCases[...last].map { operand in
                    try present.firstIndex(of: operand).map { try writing.name(node, $0) } ?? ""
                }
                let isCentered = try node.attributes.boolean("center_point_box") ?? false
                writing.emit(
                    "NonMaxSuppression", node, inputs: inputs,
                    attributes: isCentered ? [ONNXAttribute("center_point_box", .int(1))] : [])
            },
            read: { reading in
                var attributes: Attributes = [:]
                if try reading.integer("center_point_box") ?? 0 != 0 { attributes["center_point_box"] = .integer(1) }
                let names = zip(Operand.allCases, reading.inputs).filter { $0.1 != nil }.map(\.0.rawValue)
                attributes["inputs"] = .strings(names)
                reading.define("NonMaxSuppression", attributes, inputs: reading.inputs.filter { $0 != nil })
            }))

    private typealias Operand = NonMaxSuppressionKernel.Operand

    private static func operands(_ node: NodeReader) throws -> [Operand] {
        guard case .strings(let names)? = node.attributes["inputs"], names.count == node.node.inputs.count else {
            throw ModelError("does not say which inputs it has")
        }
        return try names.map { name in
            guard let operand = Operand(rawValue: name) else { throw ModelError("has no input \(name)") }
            return operand
        }
    }

    private func kernel(_ node: NodeReader) throws -> NonMaxSuppressionKernel {
        NonMaxSuppressionKernel(
            operands: try Self.operands(node),
            format: try node.attributes.boolean("center_point_box") ?? false ? .center : .corner)
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...Operand.allCases.count }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let kernel = try kernel(node)
        let stored = try node.node.inputs.indices.compactMap { try node.input($0).tensor }
        guard stored.count == node.node.inputs.count else { return [ValueType(.int64, nil)] }
        return [ValueType(.int64, try kernel.evaluate(stored)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        let kernel = try kernel(node), tensors = operands.compactMap { lowering.program.constants[$0] }
        guard tensors.count == operands.count else {
            _ = try kernel.resultTypes(operands.map { lowering.program.type(of: $0) })
            return
        }
        lowering.define(node, LoweredValue(lowering.addConstant(try kernel.evaluate(tensors)[0])))
    }

    let examples = [
        OperatorExample(
            "stored boxes of two classes",
            """
            %boxes: float32[1, 4, 4] = parameter(0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11, 1, 10.1, 0, 11.1)
            %scores: float32[1, 2, 4] = parameter(0.9, 0.75, 0.6, 0.95, 0.1, 0.8, 0.3, 0.2)
            %limit: int64[1] = parameter(2)
            %overlap: float32[1] = parameter(0.5)
            %nms_output = NonMaxSuppression(%boxes, %scores, %limit, %overlap) \
            {inputs=["boxes", "scores", "max_output_boxes_per_class", "iou_threshold"]}
            return %nms_output
            """)
    ]
}
