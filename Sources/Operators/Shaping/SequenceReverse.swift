import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The first `lengths[n]` steps of each sequence from the last to the first; the rest stays (src/operator/
/// sequence_reverse.cc). Data are time × batch × …; without lengths, all steps turn around.
struct SequenceReverse: OperatorDefinition {
    let name = "SequenceReverse"
    let summary = "the steps of sequences from the last to the first"
    let mxnet: MXNetForm? = MXNetForm("SequenceReverse")
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "ReverseSequence",
            write: { node, writing in
                let source = try node.shape(0)
                let lengths: String
                if let tensor = node.hasInput(1) ? try node.input(1).tensor : nil {
                    lengths = writing.integers("lengths", tensor.asInts(), node)
                } else if node.hasInput(1) {
                    lengths = "\(node.node.name)_lengths"
                    writing.emit(
                        "Cast", node, inputs: [try writing.name(node, 1)],
                        attributes: [ONNXAttribute("to", .int(Int(ONNXElementType(.int64).rawValue)))],
                        suffix: "_lengths", outputs: [lengths])
                } else {
                    guard source.rank >= 2 else { throw ModelError("\(source) is not time × batch") }
                    let all = [Int](repeating: source[0], count: source[1])
                    lengths = writing.integers("lengths", all, node)
                }
                writing.emit(
                    "ReverseSequence", node, inputs: [try writing.name(node, 0), lengths],
                    attributes: [ONNXAttribute("batch_axis", .int(1)), ONNXAttribute("time_axis", .int(0))])
            },
            read: { reading in
                let time = try reading.integer("time_axis") ?? 0, batch = try reading.integer("batch_axis") ?? 1
                let lengths: Attributes = ["use_sequence_length": .text("True")]
                switch (time, batch) {
                case (0, 1): reading.define("SequenceReverse", lengths)
                case (1, 0):
                    let swap: Attributes = ["dim1": .integer(0), "dim2": .integer(1)]
                    let swapped = reading.add("SwapAxis", swap, inputs: [reading.inputs.first ?? nil], suffix: "_swap")
                    let turned = reading.add(
                        "SequenceReverse", lengths, inputs: [swapped] + reading.inputs.dropFirst(), suffix: "_reverse")
                    reading.define("SwapAxis", swap, inputs: [turned])
                default: throw ModelError("time_axis=\(time) and batch_axis=\(batch) are not 0 and 1")
                }
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let hasLengths = try node.attributes.boolean("use_sequence_length") ?? false
        return hasLengths ? 2...2 : 1...1
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [try node.type(0)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        if let axis = try node.attributes.integer("axis"), axis != 0 {
            throw ModelError("axis=\(axis) is not supported", advice: "MXNet only has 0, too")
        }
        let source = try lowering.value(node, 0)
        let shape = lowering.type(of: source).shape
        let result: BufferID
        if node.hasInput(1) {
            let lengths = try lowering.value(node, 1).buffer
            result = try lowering.add(ReverseSequenceKernel(), [source.buffer, lengths], node)
        } else {
            guard shape.rank >= 1 else { throw ModelError("a scalar has no steps") }
            var turned = Arrangement(shape)
            turned.slice([0: try AxisSlice(from: nil, to: nil, step: -1, extent: shape[0])])
            var buffer = source.buffer
            for kernel in turned.kernels(fill: { _ in 0 }) { buffer = try lowering.add(kernel, [buffer], node) }
            result = buffer
        }
        lowering.define(node, LoweredValue(result, codes: source.codes))
    }

    let examples = [
        OperatorExample(
            "sequences of different lengths",
            """
            %data: float32[4, 3, 2] = input
            %lengths: float32[3] = parameter(2, 4, 1)
            %turned_output = SequenceReverse(%data, %lengths) {use_sequence_length="True"}
            return %turned_output
            """),
        OperatorExample(
            "all steps",
            """
            %data: float32[4, 3, 2] = input
            %turned_output = SequenceReverse(%data) {use_sequence_length="False"}
            return %turned_output
            """),
    ]
}
