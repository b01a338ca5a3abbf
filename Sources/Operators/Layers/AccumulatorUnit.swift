import TensorCore

/// The real value of one unit of a layer's int32 sums of products.
struct AccumulatorUnit {
    /// Codes per real unit of the data and of the weights.
    private let sourceScale: Float
    private let weightScale: Float
    private let sourceType: DataType
    /// The larger ends of the two ranges.
    private let sourceMagnitude: Float
    private let weightMagnitude: Float

    init(_ node: NodeReader, sourceScale: Float, weightScale: Float, weightMagnitude: Float) throws {
        let type = try node.type(0)
        self.sourceScale = sourceScale
        self.weightScale = weightScale
        sourceType = type.dataType
        let codes: Float = sourceType == .uint8 ? 255.5 : 127.5
        sourceMagnitude = type.quantization?.grid?.range?.magnitude ?? codes / sourceScale
        self.weightMagnitude = weightMagnitude
    }

    func value(_ arithmetic: Arithmetic) -> Float {
        switch arithmetic {
        case .exact: return 1 / sourceScale / weightScale
        case .mxnet:
            // quantization_utils.h, QuantizationRangeForS8S8MultiplicationStruct: 127 and 255 where quantizing used
            // 127.5 and 255.5. The range is stored, and its unit computed again from it.
            let unit = sourceMagnitude / (sourceType == .uint8 ? 255 : 127) * (weightMagnitude / 127)
            return unit * Float(Int32.max) / Float(Int32.max)
        }
    }
}
