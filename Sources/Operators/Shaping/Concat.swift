import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Tensors one after the other along `dim` (src/operator/nn/concat.cc).
///
/// Codes are brought to one grid first (src/operator/quantization/mkldnn/mkldnn_quantized_concat.cc): int8 if any of them
/// is, on the range that holds all their ranges.
struct Concat: OperatorDefinition {
    let name = "Concat"
    let summary = "tensors one after the other along an axis"
    let mxnet: MXNetForm? = MXNetForm(
        "Concat", "concat", "_sparse_concat", "_npi_concatenate", quantized: "_contrib_quantized_concat",
        rangedInputs: { Array($0.inputs.indices) })
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .support, result: .codes, alignment: .joins, codeInputs: { node, _ in Array(node.inputs.indices) },
            refusal: { node in
                let dim = (try? node.attributes.integer("dim")) ?? 1
                return dim > 0 ? nil : "MXNet joins codes along axis 1 and later axes only, this is axis \(dim)"
            }))

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
        var result = try Self.joined(types)
        let shapes = types.compactMap(\.shape)
        if shapes.count == types.count {
            // What the elements are does not change where they go.
            let operands = shapes.map { TensorType(result.dataType, $0) }
            result.shape = try kernel(node, shapes[0]).resultTypes(operands)[0].shape
        }
        return [result]
    }

    /// The type that holds the elements of all.
    private static func joined(_ types: [ValueType]) throws -> ValueType {
        let first = ValueType(types[0].dataType, nil, quantization: types[0].quantization)
        if types.allSatisfy({ $0.dataType == first.dataType && $0.quantization == first.quantization }) { return first }
        guard types.contains(where: \.isQuantized) else { throw ModelError("its inputs are of several types") }
        guard types.allSatisfy({ $0.dataType.isCode && ($0.quantization?.grid?.zeroPoint ?? 0) == 0 }) else {
            throw ModelError("its inputs are codes of different grids, which cannot be brought to one")
        }
        let dataType: DataType = types.contains { $0.dataType == .int8 } ? .int8 : .uint8
        let ranges = types.compactMap { type in type.quantization?.grid.map { $0.interval(type.dataType) } }
        guard ranges.count == types.count else { return ValueType(dataType, nil, quantization: .foundAtRunTime) }
        let range = ranges.reduce(ValueRange(0, 0)) { $0.union($1) }
        return ValueType(dataType, nil, quantization: .known(QuantizationGrid(range: range, of: dataType)))
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.value(node, $0) }
        let kernel = try kernel(node, lowering.type(of: operands[0]).shape)
        var (buffers, codes) = (operands.map(\.buffer), operands[0].codes)
        // Codes of both types can have one scale: that of nothing but zeros.
        let dataType = lowering.type(of: operands[0]).dataType
        if operands.contains(where: { !$0.isRead(like: operands[0]) || lowering.type(of: $0).dataType != dataType }) {
            (buffers, codes) = try aligned(operands, node, &lowering)
        }
        lowering.define(node, LoweredValue(try lowering.add(kernel, buffers, node), codes: codes))
    }

    /// Codes on the grid that all have in common.
    private func aligned(
        _ operands: [LoweredValue], _ node: NodeReader, _ lowering: inout Lowering
    ) throws -> ([BufferID], LoweredValue.Codes?) {
        let type = try inferTypes(node)[0]
        guard let grid = type.quantization?.grid else {
            let ranges = try operands.map { try lowering.rangeBuffer(of: $0) }
            let union = try lowering.add(RunTimeUnionKernel(), ranges, node)
            let buffers = try zip(operands, ranges).map { operand, range in
                try lowering.add(RunTimeRescaleKernel(outputType: type.dataType), [operand.buffer, range, union], node)
            }
            return (buffers, .rangeBuffer(union))
        }
        let perUnit = grid.codesPerUnit(type.dataType)
        let buffers = try operands.map { operand in
            guard case .grid(let scale, 0) = operand.codes else { throw ModelError("float and codes cannot be joined") }
            if scale == perUnit, lowering.type(of: operand).dataType == type.dataType { return operand.buffer }
            let kernel = QuantizeKernel(factor: perUnit / scale, outputType: type.dataType)
            return try lowering.add(kernel, [operand.buffer], node)
        }
        return (buffers, .grid(codesPerUnit: perUnit))
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
