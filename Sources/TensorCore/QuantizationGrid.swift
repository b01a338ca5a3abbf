/// Where the codes of a quantized tensor lie on the real line: real = (code − zeroPoint) · step.
///
/// ONNX stores steps ("scale"). MXNet stores a range and multiplies by codes per unit, 127.5 (int8) or 255.5 (uint8)
/// over the range's larger end (src/operator/quantization/quantization_utils.h); the range is kept where it came from
/// there, since rounding 1/(1/x) would lose MXNet's last bit.
public struct QuantizationGrid: Hashable, Sendable {
    /// Real units per code: one for the tensor, or one for each index along `axis`.
    public var steps: [Float]
    /// The axis that `steps` runs along, if there is more than one.
    public var axis: Int?
    /// The code that stands for 0.
    public var zeroPoint: Int
    /// MXNet's interval, if the grid was made from one.
    public var range: ValueRange?

    /// A grid by its steps: one, or one for each index along `axis`.
    public init(steps: [Float], axis: Int? = nil, zeroPoint: Int = 0) {
        self.steps = steps
        self.axis = axis
        self.zeroPoint = zeroPoint
    }

    /// MXNet's symmetric grid for a calibrated range.
    public init(range: ValueRange, of dataType: DataType) {
        // An empty range still needs a step that can be divided by.
        self.steps = [range.magnitude == 0 ? 1 / Float(Int32.max) : range.magnitude / ValueRange.codes(dataType)]
        self.zeroPoint = 0
        self.range = range
    }

    /// What the codes of a tensor with one step and no zero point cover.
    public func interval(_ dataType: DataType) -> ValueRange {
        if let range { return range }
        let magnitude = steps[0] * ValueRange.codes(dataType)
        return ValueRange(dataType == .uint8 ? 0 : -magnitude, magnitude)
    }

    /// Codes per real unit of a tensor with one step.
    public func codesPerUnit(_ dataType: DataType) -> Float {
        range?.codesPerUnit(dataType) ?? 1 / steps[0]
    }
}

/// The interval of values that a tensor took, or that its codes shall cover.
public struct ValueRange: Hashable, Sendable {
    /// The lower end, in real values.
    public var min: Float
    /// The upper end, in real values.
    public var max: Float

    /// A range; its lower end first.
    public init(_ min: Float, _ max: Float) {
        self.min = min
        self.max = max
    }

    /// max(|min|, |max|), as MXNet's MaxAbs.
    public var magnitude: Float { Swift.max(abs(min), abs(max)) }

    /// MXNet's GetScale: 127.5 or 255.5 over the magnitude; INT32_MAX for an empty range.
    public func codesPerUnit(_ dataType: DataType) -> Float {
        magnitude == 0 ? Float(Int32.max) : Self.codes(dataType) / magnitude
    }

    /// The codes that MXNet spreads over a magnitude; the half makes the largest value round to the largest code.
    public static func codes(_ dataType: DataType) -> Float {
        switch dataType {
        case .uint8: 255.5
        case .int8: 127.5
        default: Float(Int32.max)
        }
    }

    /// The range that covers both.
    public func union(_ other: ValueRange) -> ValueRange {
        ValueRange(Swift.min(min, other.min), Swift.max(max, other.max))
    }
}

extension DataType {
    /// The smallest and the largest code of an 8-bit type.
    public var codeLimits: ClosedRange<Float> { self == .uint8 ? 0...255 : -128...127 }
}
