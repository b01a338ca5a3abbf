import TensorCore

extension RunTimeProductRangeKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let units = zip(operands, types).map { range, type in
            ValueRange(range).magnitude / (repeatsMXNet ? (type == .uint8 ? 255 : 127) : ValueRange.codes(type))
        }
        let limit = units[0] * units[1] * Float(Int32.max)
        return [ValueRange(-limit, limit).tensor]
    }
}

extension RunTimeAddKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let ranges = [ValueRange(operands[1]), ValueRange(operands[3])]
        let limit = (ranges[0].magnitude + ranges[1].magnitude) * (repeatsMXNet ? 1 : Self.stretch)
        let scales = zip(ranges, [operands[0], operands[2]]).map { range, codes -> Float in
            limit == 0 ? 0 : Float(Int32.max) / limit / range.codesPerUnit(codes.dataType)
        }
        let sums = zip(operands[0].floats(), operands[2].floats()).map { $0 * scales[0] + $1 * scales[1] }
        return [try Tensor(rounding: sums, to: .int32, shape: types[0].shape), ValueRange(-limit, limit).tensor]
    }
}

extension RunTimeUnionKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        return [operands.reduce(ValueRange(0, 0)) { $0.union(ValueRange($1)) }.tensor]
    }
}

extension RunTimeRescaleKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        _ = try resultTypes(operands.map(\.type))
        let old = ValueRange(operands[1]).codesPerUnit(operands[0].dataType)
        let new = ValueRange(operands[2]).codesPerUnit(outputType)
        return try QuantizeKernel(factor: new / old, outputType: outputType).evaluate([operands[0]])
    }
}
