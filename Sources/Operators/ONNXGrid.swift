import GraphIR
import ONNXFormat
import TensorCore

/// The scale and zero point inputs of QuantizeLinear and DequantizeLinear.
extension ONNXWriting {
    /// Adds the constants of a grid under the names that ONNX Runtime's own tool gives them; returns their names.
    mutating func gridNames(_ grid: QuantizationGrid, _ dataType: DataType, of tensor: String) -> [String] {
        let shape: Shape = grid.axis == nil ? [] : [grid.steps.count]
        let scale = initializer(tensor + "_scale", Tensor(grid.steps, shape: shape))
        let zeros = [Int](repeating: grid.zeroPoint, count: shape.elementCount)
        let zeroPoint: Tensor =
            switch dataType {
            case .uint8: Tensor(zeros.map { UInt8(clamping: $0) }, shape: shape)
            case .int32: Tensor(zeros.map { Int32(clamping: $0) }, shape: shape)
            default: Tensor(zeros.map { Int8(clamping: $0) }, shape: shape)
            }
        return [scale, initializer(tensor + "_zero_point", zeroPoint)]
    }
}

/// Which inputs of an ONNX node say how the codes of another input are read.
struct ONNXGridInputs {
    var codes: Int
    var scale: Int
    var zeroPoint: Int
    /// The axis that several scales run along.
    var axis: Int?
}

extension ONNXReading {
    /// The grid that stored scales and zero points describe, and the type of the codes; nil if a `QuantizationGrid`
    /// cannot say it: scales that are computed, zero points that differ, blocks, codes that are not of 8 bits.
    /// - Throws: `ModelError` for scales that are not positive.
    func grid(_ inputs: ONNXGridInputs) throws -> (grid: QuantizationGrid, dataType: DataType)? {
        guard let scale = constant(inputs.scale), try integer("block_size") ?? 0 == 0 else { return nil }
        let steps = scale.floats()
        guard steps.allSatisfy({ $0 > 0 && $0.isFinite }), !steps.isEmpty else {
            throw ModelError("its scale is not positive")
        }
        var zeroPoint = 0
        var dataType = elementType(inputs.codes).flatMap { $0.isFloatingPoint ? nil : $0 } ?? .uint8
        if hasInput(inputs.zeroPoint) {
            guard let zeros = constant(inputs.zeroPoint), Set(zeros.asInts()).count == 1 else { return nil }
            dataType = zeros.dataType
            zeroPoint = zeros.asInts()[0]
        } else if let type = try integer("output_dtype"), type != 0, type != 2 {
            return nil
        }
        guard dataType.isCode || dataType == .int32 && zeroPoint == 0 else { return nil }
        let axis = scale.shape.rank == 0 || steps.count == 1 ? nil : inputs.axis ?? 1
        return (QuantizationGrid(steps: steps, axis: axis, zeroPoint: zeroPoint), dataType)
    }

    /// Adds what makes codes float; the codes of an input of the model and stored ones get their grid.
    mutating func dequantized(_ inputs: ONNXGridInputs, suffix: String) throws -> ValueID {
        let (op, attributes, operands) = try dequantization(inputs)
        return add(op, attributes, inputs: operands, suffix: suffix)
    }

    /// Says that the node makes codes float.
    mutating func defineDequantized(_ inputs: ONNXGridInputs) throws {
        let (op, attributes, operands) = try dequantization(inputs)
        define(op, attributes, inputs: operands)
    }

    private mutating func dequantization(
        _ inputs: ONNXGridInputs
    ) throws -> (op: String, attributes: Attributes, operands: [ValueID?]) {
        if let (grid, type) = try grid(inputs), setGrid(grid, type, ofInput: inputs.codes) {
            return ("Dequantize", [:], [self.inputs[inputs.codes]])
        }
        return ("DequantizeLinear", try blockAttributes(inputs), operands(inputs))
    }

    /// Says that the node ends in codes.
    mutating func defineQuantized(_ value: ValueID?, _ inputs: ONNXGridInputs) throws {
        if let (grid, type) = try grid(inputs), grid.axis == nil, type.isCode {
            return define(
                "Quantize",
                [
                    "out_type": .text(type.rawValue), "step": .number(Double(grid.steps[0])),
                    "zero_point": .integer(grid.zeroPoint),
                ], inputs: [value])
        }
        var attributes = try blockAttributes(inputs)
        if let type = try integer("output_dtype").flatMap({ ONNXElementType(rawValue: Int32(clamping: $0))?.dataType })
        {
            attributes["out_type"] = .text(type.rawValue)
        }
        define("QuantizeLinear", attributes, inputs: [value] + operands(inputs).dropFirst())
    }

    private func operands(_ inputs: ONNXGridInputs) -> [ValueID?] {
        let operands = [inputs.codes, inputs.scale, inputs.zeroPoint].map {
            self.inputs.indices.contains($0) ? self.inputs[$0] : nil
        }
        return hasInput(inputs.zeroPoint) ? operands : Array(operands.dropLast())
    }

    private func blockAttributes(_ inputs: ONNXGridInputs) throws -> Attributes {
        var attributes: Attributes = ["axis": .integer(inputs.axis ?? 1)]
        if let size = try integer("block_size"), size != 0 { attributes["block_size"] = .integer(size) }
        return attributes
    }
}
