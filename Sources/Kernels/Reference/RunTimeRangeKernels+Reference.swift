import TensorCore

extension RunTimeQuantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let observed = operands[0].observedRange()
        let codes = try QuantizeKernel(factor: observed.codesPerUnit(outputType), outputType: outputType)
            .evaluate(operands)
        let range = outputType == .uint8 ? observed : ValueRange(-observed.magnitude, observed.magnitude)
        return codes + [range.tensor]
    }
}

extension RunTimeAccumulatorKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let source = ValueRange(operands[1])
        let codesPerUnit = source.codesPerUnit(sourceType) * weightCodesPerUnit
        return try repeatsMXNet
            ? evaluateAsMXNet(operands, source, codesPerUnit) : evaluateInRealUnits(operands, codesPerUnit)
    }

    private func evaluateInRealUnits(_ operands: [Tensor], _ codesPerUnit: Float) throws -> [Tensor] {
        let shape = operands[0].shape
        let rows = shape.dimensions.dropFirst(2).reduce(1, *)
        var values = operands[0].floats().map { $0 / codesPerUnit }
        if hasBias {
            let bias = operands[2].floats()
            for index in values.indices { values[index] += bias[index / rows % bias.count] }
        }
        if let residualType {
            let unit = 1 / ValueRange(operands[operands.count - 1]).codesPerUnit(residualType)
            let residual = operands[operands.count - 2].floats()
            for index in values.indices { values[index] += residual[index] * unit }
        }
        if let activation { for index in values.indices { values[index] = activation(values[index]) } }
        let largest = values.reduce(0) { max($0, abs($1)) }
        let scale = largest == 0 ? codesPerUnit : min(codesPerUnit, 0x1p30 / largest)
        let sums = try QuantizeKernel(factor: scale, outputType: .int32).evaluate([Tensor(values, shape: shape)])
        let limit = Float(Int32.max) / scale
        return sums + [ValueRange(-limit, limit).tensor]
    }

    private func evaluateAsMXNet(
        _ operands: [Tensor], _ source: ValueRange, _ codesPerUnit: Float
    ) throws -> [Tensor] {
        var bias: Tensor?, residual: Tensor?
        var operations: [PostOperation] = []
        if hasBias {
            bias = try QuantizeKernel(factor: codesPerUnit, outputType: .int32).evaluate([operands[2]])[0]
        }
        if let residualType {
            let range = ValueRange(operands[operands.count - 1])
            residual = operands[operands.count - 2]
            operations.append(.sum(scale: codesPerUnit / range.codesPerUnit(residualType)))
        }
        var scales: [Float] = []
        if var activation {
            if !activation.isHomogeneous {
                // It sees real units, and what it gives becomes sums again.
                scales = [1 / codesPerUnit]
                operations = operations.map { operation in
                    if case .sum(let scale) = operation { .sum(scale: scale / codesPerUnit) } else { operation }
                }
                activation.scale *= codesPerUnit
            }
            operations.append(.activation(activation))
        }
        let sums = try WrappingInt32.widening(operands[0], "sums")
        let result = try OutputStage(outputType: .int32, scales: scales, postOperations: operations)
            .finish(sums, bias: bias, residual: residual, shape: operands[0].shape)

        let unit = source.magnitude / (sourceType == .uint8 ? 255 : 127) * (weightMagnitude / 127)
        let limit = unit * Float(Int32.max)
        return [result, ValueRange(-limit, limit).tensor]
    }
}

extension RunTimeRequantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let unit = ValueRange(operands[1]).magnitude / Float(Int32.max)
        let largest = operands[0].withElements(as: Int32.self) { $0.reduce(0) { max($0, $1.magnitude) } }
        let limit = Float(largest) * unit
        let wide = repeatsMXNet ? (outputType == .uint8 ? 255 : 127) : ValueRange.codes(outputType)
        let factor = limit == 0 ? 0 : unit * (wide / limit)
        let codes = try QuantizeKernel(factor: factor, outputType: outputType).evaluate([operands[0]])
        return codes + [ValueRange(outputType == .uint8 ? 0 : -limit, limit).tensor]
    }
}

extension RunTimeDequantizeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let codes: Float =
            switch operands[0].dataType {
            case .uint8: 255.5
            case .int8: 127.5
            default: Float(Int32.max)
            }
        return try DequantizeKernel(factor: ValueRange(operands[1]).magnitude / codes).evaluate([operands[0]])
    }
}

extension ValueRange {
    /// Reads a range that travels as a tensor.
    init(_ tensor: Tensor) {
        let ends = tensor.floats()
        self.init(ends[0], ends[1])
    }

    var tensor: Tensor { Tensor([min, max]) }
}

extension Tensor {
    /// The smallest and the largest value; 0 and 0 if there is none.
    func observedRange() -> ValueRange {
        let values = floats()
        guard let first = values.first else { return ValueRange(0, 0) }
        return values.reduce(into: ValueRange(first, first)) { range, value in
            if value < range.min { range.min = value }
            if value > range.max { range.max = value }
        }
    }
}
