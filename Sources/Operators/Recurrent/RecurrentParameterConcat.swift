import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The parameters of an RNN, which Gluon keeps as one matrix for each gate group, as one vector
/// (`_rnn_param_concat`, src/operator/nn/concat.cc).
struct RecurrentParameterConcat: OperatorDefinition {
    let name = "_rnn_param_concat"
    let summary = "the parameters of an RNN as one vector"
    let mxnet: MXNetForm? = MXNetForm("_rnn_param_concat")
    let quantization = QuantizationRule.float(because: "the RNN that needs it stays in float")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let axis = try RecurrentParameterConcat.axis(node, node.shape(0))
                let inputs = try node.node.inputs.indices.map { try writing.name(node, $0) }
                writing.emit("Concat", node, inputs: inputs, attributes: [ONNXAttribute("axis", .int(axis))])
            },
            read: { _ in throw ModelError("ONNX spells it Concat") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 1...Int.max }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let types = try node.node.inputs.indices.map { try node.type($0) }
        let shapes = types.compactMap(\.shape)
        guard shapes.count == types.count else { return [ValueType(types[0].dataType, nil)] }
        let operands = zip(types, shapes).map { TensorType($0.dataType, $1) }
        let kernel = ConcatenateKernel(axis: try Self.axis(node, shapes[0]))
        return [ValueType(types[0].dataType, try kernel.resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let parts = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        let axis = try Self.axis(node, lowering.type(of: LoweredValue(parts[0])).shape)
        lowering.define(node, LoweredValue(try lowering.add(ConcatenateKernel(axis: axis), parts, node)))
    }

    private static func axis(_ node: NodeReader, _ shape: Shape) throws -> Int {
        let axis = try node.attributes.integer("dim") ?? 1
        guard let axis = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
        return axis
    }

    let examples = [
        OperatorExample(
            "of one layer",
            """
            %data: float32[3, 2, 2] = input
            %input_weights: float32[4] = parameter(...)
            %state_weights: float32[4] = parameter(...)
            %input_bias: float32[2] = parameter(...)
            %state_bias: float32[2] = parameter(...)
            %state: float32[1, 2, 2] = input
            %all_output = _rnn_param_concat(%input_weights, %state_weights, %input_bias, %state_bias) {dim="0", \
            num_args="4"}
            %rnn_output = RNN(%data, %all_output, %state) {mode="rnn_tanh", num_layers="1", state_size="2"}
            return %rnn_output
            """)
    ]
}
