import GraphIR
import TensorCore

/// Which code the largest weight of a layer becomes, or the larger end of an int8 parameter's range.
public enum ParameterCodes {
    /// All of int8 that is symmetric: nothing is cut off. MXNet quantizes the int8 parameters of fully connected layers so
    /// (src/operator/quantization/quantize-inl.h).
    public static let whole: Float = 127
    /// What MXNet's layers take it for (mkldnn_conv.cc, mkldnn_fc.cc). A float weight loses half a code at the end; an int8
    /// parameter is read 0.39 % too small.
    public static let mxnet: Float = 127.5
    /// Attribute of a parameter that was made for MXNet's reading, so that MXNet computes what it means. MXNet keeps such
    /// hidden attributes and does not look at them.
    public static let limitAttribute = "__code_limit__"

    /// The code that a parameter's largest magnitude stands for.
    public static func limit(of attributes: Attributes, _ arithmetic: Arithmetic = .exact) -> Float {
        if arithmetic == .mxnet { return mxnet }
        return (try? attributes.number(limitAttribute)).flatMap { $0.map(Float.init) } ?? whole
    }

    /// Codes per unit of an int8 parameter with a range.
    static func codesPerUnit(_ range: ValueRange, of attributes: Attributes, _ arithmetic: Arithmetic) -> Float {
        range.magnitude == 0 ? Float(Int32.max) : limit(of: attributes, arithmetic) / range.magnitude
    }
}

extension QuantizationGrid {
    /// The grid of an int8 parameter with `codeLimit` codes over the larger end of its range.
    public init(parameterRange range: ValueRange, codeLimit: Float) {
        self.init(steps: [range.magnitude == 0 ? 1 : range.magnitude / codeLimit])
        self.range = range
    }
}
