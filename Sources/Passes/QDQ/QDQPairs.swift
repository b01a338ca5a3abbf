import GraphIR
import Operators
import TensorCore

/// Quantize and Dequantize around the float operators of QDQ form, under the names that ONNX Runtime's quantizer gives.
extension GraphPatch {
    mutating func quantize(_ value: ValueID, _ tensor: String, _ type: ValueType, _ origins: [String]) -> ValueID {
        add(
            NodeDraft(
                name: QDQNames.quantizeNode(tensor), op: "Quantize", attributes: type.gridAttributes, inputs: [value],
                origins: origins, outputNames: [QDQNames.quantizedOutput(tensor)]))[0]
    }

    mutating func dequantize(_ codes: ValueID, _ tensor: String, _ origins: [String]) -> ValueID {
        add(
            NodeDraft(
                name: QDQNames.dequantizeNode(tensor), op: "Dequantize", inputs: [codes], origins: origins,
                outputNames: [QDQNames.dequantizedOutput(tensor)]))[0]
    }

    /// The float value of codes that are stored.
    mutating func dequantizedParameter(_ name: String, _ codes: Tensor, _ grid: QuantizationGrid) -> ValueID {
        dequantize(addParameter(QDQNames.parameter(name), codes, quantization: .known(grid)), name, [name])
    }
}

extension ValueType {
    /// The attributes of a Quantize that gives this type.
    var gridAttributes: Attributes {
        var attributes: Attributes = ["out_type": .text(dataType.rawValue)]
        guard let grid = quantization?.grid else { return attributes }
        if let range = grid.range, grid.isReadFromRange(dataType) {
            attributes[CalibratedRange.minimum] = .number(Double(range.min))
            attributes[CalibratedRange.maximum] = .number(Double(range.max))
        } else {
            attributes["step"] = .number(Double(grid.steps[0]))
            attributes["zero_point"] = .integer(grid.zeroPoint)
        }
        return attributes
    }
}
