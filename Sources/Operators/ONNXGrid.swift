import ONNXFormat
import TensorCore

/// The scale and zero point inputs of QuantizeLinear and DequantizeLinear.
extension ONNXWriting {
    /// Adds the constants of a grid under the names that ONNX Runtime's own tool gives them; returns their names.
    mutating func gridNames(_ grid: QuantizationGrid, _ dataType: DataType, of tensor: String) -> [String] {
        let shape: Shape = grid.axis == nil ? [] : [grid.steps.count]
        let scale = initializer(tensor + "_scale", Tensor(grid.steps, shape: shape))
        let zeros = [Int](repeating: grid.zeroPoint, count: shape.elementCount)
        let zeroPoint: Tensor = switch dataType {
        case .uint8: Tensor(zeros.map { UInt8(clamping: $0) }, shape: shape)
        case .int32: Tensor(zeros.map { Int32(clamping: $0) }, shape: shape)
        default: Tensor(zeros.map { Int8(clamping: $0) }, shape: shape)
        }
        return [scale, initializer(tensor + "_zero_point", zeroPoint)]
    }
}

extension ONNXReading {
    /// The grid that the constants of a QuantizeLinear or DequantizeLinear describe, and the type of the codes.
    func grid() throws -> (grid: QuantizationGrid, dataType: DataType) {
        guard let scale = constant(1) else { throw ModelError("its scale has to be stored in the model") }
        let steps = scale.floats()
        guard steps.allSatisfy({ $0 > 0 && $0.isFinite }), !steps.isEmpty else {
            throw ModelError("its scale is not positive")
        }
        var zeroPoint = 0
        var dataType = constant(0)?.dataType ?? .uint8
        if hasInput(2) {
            guard let zeros = constant(2) else { throw ModelError("its zero point has to be stored in the model") }
            dataType = zeros.dataType
            let values = Set(zeros.asInts())
            guard values.count == 1, let value = values.first else {
                throw ModelError("a zero point for each channel is not supported")
            }
            zeroPoint = value
        }
        let axis = scale.shape.rank == 0 || steps.count == 1 ? nil : try integer("axis") ?? 1
        return (QuantizationGrid(steps: steps, axis: axis, zeroPoint: zeroPoint), dataType)
    }
}
