import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Tensors one after the other along `dim` (src/operator/nn/concat.cc). Codes of one grid keep it.
struct Concat: OperatorDefinition {
    let name = "Concat"
    let summary = "tensors one after the other along an axis"
    let mxnet: MXNetForm? = MXNetForm(
        "Concat", "concat", "_sparse_concat", "_npi_concatenate", rangedInputs: { Array($0.inputs.indices) })
    let quantization = QuantizationRule.float(because: "codes of several grids have to be brought to one first")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "Concat",
            write: { node, writing in
                let inputs = try node.node.inputs.indices.map { try writing.name(node, $0) }
                let axis = try node.attributes.integer("dim") ?? 1
                writing.emit("Concat", node, inputs: inputs, attributes: [ONNXAttribute("axis", .int(axis))])
            },
            read: { reading in
                guard let axis = try reading.integer("axis") else { throw ModelError("axis is missing") }
                reading.define(
                    "Concat", ["dim": .integer(axis), "num_args": .integer(reading.inputs.count)])
            }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        if let count = try node.attributes.integer("num_args"), count != node.inputs.count {
            throw ModelError("has \(node.inputs.count) inputs, but num_args=\(count)")
        }
        return 1...max(node.inputs.count, 1)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let types = try node.node.inputs.indices.map { try node.type($0) }
        let shapes = types.compactMap(\.shape)
        guard shapes.count == types.count else {
            return [ValueType(types[0].dataType, nil, quantization: types[0].quantization)]
        }
        let operands = zip(types, shapes).map { TensorType($0.dataType, $1) }
        let result = try kernel(node, operands[0].shape).resultTypes(operands)[0]
        return [ValueType(result.dataType, result.shape, quantization: types[0].quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.value(node, $0) }
        guard operands.dropFirst().allSatisfy({ $0.isRead(like: operands[0]) }) else {
            throw ModelError("its inputs are codes of different grids, which have to be brought to one first")
        }
        let kernel = try kernel(node, lowering.type(of: operands[0]).shape)
        let result = try lowering.add(kernel, operands.map(\.buffer), node)
        lowering.define(node, LoweredValue(result, codes: operands[0].codes))
    }

    private func kernel(_ node: NodeReader, _ shape: Shape) throws -> ConcatenateKernel {
        let dim = try node.attributes.integer("dim") ?? 1
        guard let axis = shape.normalized(axis: dim) else {
            throw ModelError("dim=\(dim) is not an axis of its first input, which is \(shape)")
        }
        return ConcatenateKernel(axis: axis)
    }

    let examples = [
        OperatorExample(
            "channels of three maps",
            """
            %a: float32[2, 3, 4, 4] = input
            %b: float32[2, 1, 4, 4] = input
            %c: float32[2, 5, 4, 4] = input
            %all_output = Concat(%a, %b, %c) {dim="1", num_args="3"}
            return %all_output
            """),
        OperatorExample(
            "the last axis",
            """
            %a: float32[2, 3, 4] = input
            %b: float32[2, 3, 1] = parameter(...)
            %all_output = Concat(%a, %b) {dim="-1", num_args="2"}
            return %all_output
            """),
        OperatorExample(
            "rows of whole numbers",
            """
            %a: int64[2, 3] = input
            %b: int64[1, 3] = input
            %all_output = Concat(%a, %b) {dim="0", num_args="2"}
            return %all_output
            """),
    ]
}

extension LoweredValue {
    /// True if a code of the other one stands for the same number.
    func isRead(like other: LoweredValue) -> Bool {
        switch (codes, other.codes) {
        case (nil, nil): true
        case (.grid(let scale, let zero)?, .grid(let otherScale, let otherZero)?):
            scale == otherScale && zero == otherZero
        case (.accumulators(let unit)?, .accumulators(let otherUnit)?): unit == otherUnit
        case (.rangeBuffer(let range)?, .rangeBuffer(let otherRange)?): range == otherRange
        default: false
        }
    }
}
