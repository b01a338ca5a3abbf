import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// An operator that only arranges the elements of its first input. If there are other inputs, only their shapes count.
/// Codes stay on their grid.
protocol ArrangingOperator: OperatorDefinition {
    /// How the elements of a first input of this shape are arranged in each output.
    /// - Throws: `ModelError` if the attributes do not fit the shape.
    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement]
}

extension ArrangingOperator {
    var quantization: QuantizationRule {
        .float(because: "MXNet has no int8 form of it, though it would cost nothing")
    }

    var onnx: ONNXForm { .mapped(ONNXMapping(write: writeMoves)) }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let types = try node.node.inputs.indices.map { try node.type($0) }
        func output(_ shape: Shape?) -> ValueType {
            ValueType(types[0].dataType, shape, quantization: types[0].quantization)
        }
        guard let source = types[0].shape, types.allSatisfy({ $0.shape != nil }) else {
            return node.node.outputs.map { _ in output(nil) }
        }
        return try checkedArrangements(node, source).map { output($0.shape) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let type = lowering.type(of: source)
        for (index, arrangement) in try checkedArrangements(node, type.shape).enumerated() {
            if index == node.node.outputs.count { break }
            let fill = try source.fill(type.dataType)
            var buffer = source.buffer
            for kernel in arrangement.kernels(fill: fill) { buffer = try lowering.add(kernel, [buffer], node) }
            lowering.define(node, output: index, LoweredValue(buffer, codes: source.codes))
        }
    }

    private func checkedArrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let arrangements = try arrangements(node, source)
        guard arrangements.count >= node.node.outputs.count else {
            throw ModelError("has \(node.node.outputs.count) outputs, but its attributes say \(arrangements.count)")
        }
        return arrangements
    }

    /// Writes the moves, each as an ONNX node.
    @Sendable func writeMoves(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let arrangements = try checkedArrangements(node, node.shape(0))
        for (index, arrangement) in arrangements.prefix(node.node.outputs.count).enumerated() {
            try writing.emit(arrangement, node, output: index)
        }
    }
}

extension LoweredValue {
    /// The bits of the element, or of the code, that stands for a number.
    fileprivate func fill(_ dataType: DataType) throws -> (Double) -> UInt64 {
        switch codes {
        case nil: return { Tensor(number: $0, dataType).firstBits }
        case .grid(let codesPerUnit, let zeroPoint)?:
            let limits = dataType.codeLimits
            return { number in
                let code = (Float(number) * codesPerUnit).rounded(.toNearestOrEven) + Float(zeroPoint)
                return Tensor(number: Double(min(max(code, limits.lowerBound), limits.upperBound)), dataType).firstBits
            }
        // Zero has the code zero on every grid that a run finds.
        case .accumulators?, .rangeBuffer?: return { _ in 0 }
        }
    }
}

extension Tensor {
    /// A scalar; a number that the type does not have is brought to its limits.
    init(number: Double, _ dataType: DataType) {
        func integer<Element: TensorElement & FixedWidthInteger>(_ type: Element.Type) -> Tensor {
            Tensor(scalar: Element(clamping: Int(saturating: number)))
        }
        switch dataType {
        case .int8: self = integer(Int8.self)
        case .uint8: self = integer(UInt8.self)
        case .int16: self = integer(Int16.self)
        case .uint16: self = integer(UInt16.self)
        case .int32: self = integer(Int32.self)
        case .uint32: self = integer(UInt32.self)
        case .int64: self = integer(Int64.self)
        case .uint64: self = integer(UInt64.self)
        case .bool: self = Tensor(scalar: number != 0)
        case .float64: self = Tensor(scalar: number)
        case .float32, .float16, .bfloat16: self = Tensor(scalar: Float(number))
        }
    }

    /// The bits of the first element.
    fileprivate var firstBits: UInt64 {
        withBytes { $0.prefix(dataType.byteWidth).reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }
}
