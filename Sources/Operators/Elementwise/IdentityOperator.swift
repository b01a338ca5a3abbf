import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = x: what only matters in training, and copies. Codes stay codes.
struct IdentityOperator: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "MXNet has no int8 kernel that only hands its input on")
    let examples: [OperatorExample]
    private let inputs: Int

    /// - Parameters:
    ///   - inputs: more than one if there are others that do not matter.
    ///   - hiddenOutputs: what MXNet computes for training.
    init(
        _ names: String..., summary: String, inputs: Int = 1, hiddenOutputs: Int = 0, auxiliaryInputs: [Int] = [],
        onnxType: String? = nil
    ) {
        let name = names[0]
        self.name = name
        self.summary = summary
        self.inputs = inputs
        var form = MXNetForm(
            hiddenOutputs: { _ in hiddenOutputs }, auxiliaryInputs: { _ in auxiliaryInputs },
            parameterInputs: { _ in auxiliaryInputs })
        form.names = names
        mxnet = form
        onnx = .mapped(
            ONNXMapping(
                types: onnxType.map { [$0] } ?? [],
                write: { node, writing in
                    writing.emit("Identity", node, inputs: [try writing.name(node, 0)])
                },
                read: { reading in
                    if reading.hasInput(2), reading.constant(2)?.asInts().first != 0 {
                        throw ModelError(
                            "training_mode is on, or computed, and drops elements at random then",
                            advice: "export the model for inference")
                    }
                    reading.define(name, inputs: [reading.inputs.first ?? nil])
                }))
        let rest = (1..<inputs).map { index in
            auxiliaryInputs.contains(index)
                ? "%state: float32[2] = parameter(...)" : "%other: float32[2, 3] = input"
        }
        examples = [
            OperatorExample(
                "between two others",
                (["%data: float32[2, 3] = input"] + rest + [
                    "%exp_output = exp(%data)",
                    "%same_output = \(name)(%exp_output\(rest.isEmpty ? "" : auxiliaryInputs.isEmpty ? ", %other" : ", %state"))",
                    "%result_output = sin(%same_output)", "return %result_output",
                ]).joined(separator: "\n"))
        ]
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { inputs...inputs }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        if node.attributes.text("mode") == "always" {
            throw ModelError(
                "mode=always drops elements at random in every run", advice: "only mode=training is supported")
        }
        return [try node.type(0)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let copy = try lowering.add(ReshapeKernel(lowering.type(of: source).shape), [source.buffer], node)
        lowering.define(node, LoweredValue(copy, codes: source.codes))
    }
}

extension OperatorFamily {
    static let identityOperators = [
        IdentityOperator("_copy", "identity", "_np_copy", "_copyto", "_npi_copyto", summary: "the tensor itself"),
        IdentityOperator(
            "Dropout", "_npx_dropout", summary: "the tensor itself; in training, some elements are zero",
            hiddenOutputs: 1, onnxType: "Dropout"),
        IdentityOperator(
            "BlockGrad", "stop_gradient", "_sparse_stop_gradient", summary: "the tensor itself, without a gradient"),
        IdentityOperator("make_loss", "_sparse_make_loss", summary: "the tensor itself, as a loss"),
        IdentityOperator("MakeLoss", summary: "the tensor itself, as a loss that is scaled in training"),
        IdentityOperator(
            "IdentityAttachKLSparseReg", summary: "the tensor itself; in training, activations are kept sparse",
            inputs: 2, auxiliaryInputs: [1]),
        IdentityOperator(
            "_identity_with_attr_like_rhs", summary: "the first tensor, of the second one's shape", inputs: 2),
        IdentityOperator("_contrib_gradientmultiplier", summary: "the tensor itself; its gradient is scaled"),
    ]
}
