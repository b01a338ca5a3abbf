import TensorCore

/// Which scale and zero point an element has: those of the tensor, of its index along an axis, or of its block there
/// (ONNX, QuantizeLinear, opset 21).
public struct QuantizationBlocks: Hashable, Sendable {
    /// The axis that it works along, counted from the outermost.
    public var axis: Int
    /// Elements along the axis that share a scale; 0 where each index has its own.
    public var blockSize: Int

    public init(axis: Int, blockSize: Int = 0) {
        self.axis = axis
        self.blockSize = blockSize
    }

    /// Calls `body` for runs of elements: `scale(i)` is the scale of the run's element i.
    /// - Throws: `ModelError` if the scales do not fit the tensor.
    func forEachRun(
        of shape: Shape, scales: Shape, _ body: (_ elements: Range<Int>, _ firstScale: Int, _ scaleStride: Int) -> Void
    ) throws {
        if scales.elementCount == 1 && blockSize == 0 {
            body(0..<shape.elementCount, 0, 0)
            return
        }
        guard let axis = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
        let extent = shape[axis], inner = shape.strides[axis]
        let outer = extent * inner == 0 ? 0 : shape.elementCount / (extent * inner)
        if blockSize == 0 {
            guard scales.elementCount == extent else {
                throw ModelError("scales of \(scales) do not fit axis \(axis) of \(shape)")
            }
            for line in 0..<outer * extent { body(line * inner..<(line + 1) * inner, line % extent, 0) }
            return
        }
        let blocks = (extent + blockSize - 1) / blockSize
        guard scales == shape.replacing(axis: axis, with: blocks) else {
            throw ModelError("scales of \(scales) do not fit blocks of \(blockSize) along axis \(axis) of \(shape)")
        }
        for line in 0..<outer * extent {
            let first = (line / extent * blocks + line % extent / blockSize) * inner
            body(line * inner..<(line + 1) * inner, first, 1)
        }
    }
}

/// saturate(round(x / scale) + zeroPoint), ONNX's QuantizeLinear with scales that are operands.
/// Operands: source float32 or int32, scales, zero points of the result's type, if there are any.
public struct LinearQuantizeKernel: Kernel, Hashable {
    public static let name = "linear quantize"
    /// How many elements share a scale, and along which axis.
    public var blocks: QuantizationBlocks
    /// The type of the results.
    public var outputType: DataType

    public init(blocks: QuantizationBlocks, outputType: DataType) {
        self.blocks = blocks
        self.outputType = outputType
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(outputType, operands[0].shape)]
    }

    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let source = operands[0].floats(), scales = operands[1].floats()
        let zeroPoints = operands.count > 2 ? operands[2].asInts() : [Int](repeating: 0, count: scales.count)
        guard zeroPoints.count == scales.count else {
            throw ModelError("there are \(scales.count) scales, but \(zeroPoints.count) zero points")
        }
        let limits = try outputType.integerLimits
        var codes = [Int64](repeating: 0, count: source.count)
        try blocks.forEachRun(of: operands[0].shape, scales: operands[1].shape) { run, first, stride in
            for (offset, index) in run.enumerated() {
                let scale = first + offset * stride
                let rounded =
                    Double((source[index] / scales[scale]).rounded(.toNearestOrEven)) + Double(zeroPoints[scale])
                codes[index] = Int64(min(max(Int(saturating: rounded), limits.lowerBound), limits.upperBound))
            }
        }
        return [Tensor(codes, shape: operands[0].shape).converted(to: outputType)]
    }
}

/// (code − zeroPoint) · scale, ONNX's DequantizeLinear with scales that are operands.
/// Operands: codes of any integer type, scales float32, zero points of the codes' type, if there are any.
public struct LinearDequantizeKernel: Kernel, Hashable {
    public static let name = "linear dequantize"
    /// How many elements share a scale, and along which axis.
    public var blocks: QuantizationBlocks

    public init(blocks: QuantizationBlocks) { self.blocks = blocks }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(.float32, operands[0].shape)]
    }

    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let codes = operands[0].asInts(), scales = operands[1].floats()
        let zeroPoints = operands.count > 2 ? operands[2].asInts() : [Int](repeating: 0, count: scales.count)
        guard zeroPoints.count == scales.count else {
            throw ModelError("there are \(scales.count) scales, but \(zeroPoints.count) zero points")
        }
        var values = [Float](repeating: 0, count: codes.count)
        try blocks.forEachRun(of: operands[0].shape, scales: operands[1].shape) { run, first, stride in
            for (offset, index) in run.enumerated() {
                let scale = first + offset * stride
                values[index] = Float(codes[index] - zeroPoints[scale]) * scales[scale]
            }
        }
        return [Tensor(values, shape: operands[0].shape)]
    }
}

/// ONNX's DynamicQuantizeLinear: uint8 codes over the range of the tensor at hand, which is widened to hold 0.
///
///     scale = (max − min) / 255        zeroPoint = saturate(round(−min / scale))
///
/// Results: codes, scale float32 [], zero point uint8 [].
public struct DynamicQuantizeKernel: Kernel, Hashable {
    public static let name = "dynamic quantize"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(.uint8, operands[0].shape), TensorType(.float32, []), TensorType(.uint8, [])]
    }

    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let values = operands[0].floats()
        let low = values.reduce(0) { min($0, $1) }, high = values.reduce(0) { max($0, $1) }
        let scale = high == low ? 1 : (high - low) / 255
        let zeroPoint = saturated((0 - low) / scale, as: UInt8.self)
        let codes = values.map { saturated(($0 / scale).rounded(.toNearestOrEven) + Float(zeroPoint), as: UInt8.self) }
        return [Tensor(codes, shape: operands[0].shape), Tensor(scalar: scale), Tensor(scalar: zeroPoint)]
    }
}

/// Codes less their zero point, as int32: what integer products are made of. Operands: codes, zero points: one, or one
/// for each index along `axis`.
public struct CenterCodesKernel: Kernel, Hashable {
    public static let name = "center codes"
    /// The axis that it works along, counted from the outermost.
    public var axis: Int

    public init(axis: Int = 0) { self.axis = axis }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        [TensorType(.int32, operands[0].shape)]
    }

    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let codes = operands[0].asInts(), zeroPoints = operands[1].asInts()
        var values = [Int32](repeating: 0, count: codes.count)
        try QuantizationBlocks(axis: axis).forEachRun(of: operands[0].shape, scales: [zeroPoints.count]) {
            run, first, _ in
            for index in run { values[index] = Int32(clamping: codes[index] - zeroPoints[first]) }
        }
        return [Tensor(values, shape: operands[0].shape)]
    }
}

extension DataType {
    fileprivate var integerLimits: ClosedRange<Int> {
        get throws {
            switch self {
            case .int8: -128...127
            case .uint8: 0...255
            case .int16: -32768...32767
            case .uint16: 0...65535
            case .int32: Int(Int32.min)...Int(Int32.max)
            default: throw ModelError("codes cannot be \(self)")
            }
        }
    }
}
