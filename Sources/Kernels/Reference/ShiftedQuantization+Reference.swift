import TensorCore

extension RunTimeShiftedQuantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let range = operands[0].observedRange(), grid = ShiftedGrid(range)
        let kernel = QuantizeKernel(factor: grid.codesPerUnit, zeroPoint: grid.zeroPoint, outputType: .uint8)
        return try kernel.evaluate(operands) + [range.tensor]
    }
}

extension RunTimeShiftedDequantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let grid = ShiftedGrid(ValueRange(operands[1]))
        return try DequantizeKernel(factor: 1 / grid.codesPerUnit, zeroPoint: grid.zeroPoint).evaluate([operands[0]])
    }
}
