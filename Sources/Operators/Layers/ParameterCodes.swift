import GraphIR
import TensorCore

/// The int8 parameters of a fully connected layer: codes, and a range that says what the largest code stands for.
public enum ParameterCodes {
    /// MXNet's quantizer maps the larger end of the range to this code (src/operator/quantization/quantize-inl.h).
    public static let mxnetLimit: Float = 127
    /// MXNet's layer reads the codes as if it had been this one (src/operator/subgraph/mkldnn/mkldnn_fc.cc).
    public static let layerLimit: Float = 127.5
    /// Attribute of a parameter whose range was made for the layer's reading, so that MXNet computes what it means;
    /// MXNet keeps such hidden attributes and does not look at them.
    public static let limitAttribute = "__code_limit__"

    /// Which code the larger end of a parameter's range stands for.
    public static func limit(of attributes: Attributes) -> Float {
        (try? attributes.number(limitAttribute)).flatMap { $0.map(Float.init) } ?? mxnetLimit
    }
}

extension QuantizationGrid {
    /// The grid of an int8 parameter with `codeLimit` codes over the larger end of its range.
    public init(parameterRange range: ValueRange, codeLimit: Float) {
        self.init(steps: [range.magnitude == 0 ? 1 : range.magnitude / codeLimit])
        self.range = range
    }
}
