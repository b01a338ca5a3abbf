import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y[p…, i…, q…] = a[p…, indices[i…], q…] along `axis` (src/operator/tensor/indexing_op.h).
struct Take: OperatorDefinition {
    let name = "take"
    let summary = "slices of a tensor at given indices of an axis"
    let mxnet: MXNetForm? = MXNetForm("take", "_npi_take")
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Gather",
            write: { node, writing in
                let form = try TakeForm(node.attributes)
                let shape = try node.shape(0)
                guard let axis = shape.normalized(axis: form.axis) else { throw form.noAxis(in: shape) }
                let indices = try writing.indices(node, 1, extent: shape[axis], mode: form.mode)
                writing.emit(
                    "Gather", node, inputs: [try writing.name(node, 0), indices],
                    attributes: [ONNXAttribute("axis", .int(form.axis))])
            },
            read: { reading in
                let axis = try reading.integer("axis") ?? 0
                // Indices count from the end if they are negative; MXNet does that in its mode wrap.
                let attributes: Attributes = ["axis": .integer(axis), "mode": .text("wrap")]
                // MXNet stores a single number as a list of one: the axis stays, and has to go.
                guard let index = reading.constant(1), index.shape.rank == 0, reading.constant(0) == nil,
                    let rank = reading.shape(0)?.rank, rank > 1
                else { return reading.define("take", attributes) }
                let list = reading.addParameter("_index", index.reshaped([1]))
                let row = reading.add("take", attributes, inputs: [reading.inputs[0], list], suffix: "_row")
                reading.define("squeeze", ["axis": .integer(axis < 0 ? axis + rank : axis)], inputs: [row])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try TakeForm(node.attributes)
        let (source, indices) = (try node.type(0), try node.type(1))
        let type = source.dataType.computed
        guard let shape = source.shape, let other = indices.shape else { return [ValueType(type, nil)] }
        let operands = [TensorType(type, shape), TensorType(indices.dataType, other)]
        return [ValueType(type, try form.kernel.resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = [try lowering.floatValue(node, 0), try lowering.value(node, 1).buffer]
        lowering.define(node, LoweredValue(try lowering.add(try TakeForm(node.attributes).kernel, operands, node)))
    }

    let examples = [
        OperatorExample(
            "rows, clipped",
            """
            %a: float32[3, 2] = input
            %index: float32[2, 3] = parameter(0, 1.5, 2, -2, 7, 1)
            %take_output = take(%a, %index)
            return %take_output
            """),
        OperatorExample(
            "the last axis, wrapped",
            """
            %a: float32[2, 3, 4] = input
            %index: int32[3] = parameter(-1, 5, 2)
            %take_output = take(%a, %index) {axis="-1", mode="wrap"}
            return %take_output
            """),
        OperatorExample(
            "an axis in the middle",
            """
            %a: float32[2, 3, 4] = input
            %index: int64[2] = parameter(2, 0)
            %take_output = take(%a, %index) {axis="1", mode="raise"}
            return %take_output
            """),
    ]
}

/// The attributes of take (src/operator/tensor/indexing_op.h).
struct TakeForm {
    var axis: Int
    var mode: IndexMode

    init(_ attributes: Attributes) throws {
        axis = try attributes.integer("axis") ?? 0
        mode = try MXNetIndexMode(attributes).mode
    }

    var kernel: GatherKernel { GatherKernel(axis: axis, mode: mode) }

    func noAxis(in shape: Shape) -> ModelError { ModelError("axis=\(axis) does not exist in \(shape)") }
}

/// The attribute `mode` of MXNet's operators that take indices.
enum MXNetIndexMode: String, CaseIterable {
    case clip, wrap, raise

    init(_ attributes: Attributes) throws { self = try attributes.choice("mode", default: .clip) }

    var mode: IndexMode {
        switch self {
        case .clip: .clip
        case .wrap: .wrap
        case .raise: .raise
        }
    }
}
