import GraphIR
import TensorCore

/// The weights and the bias of a convolution with its BatchNorm folded in, as MXNet folds them
/// (src/operator/subgraph/mkldnn/mkldnn_conv.cc, UpdateConvWeightBias):
///
///     alpha = gamma / √(variance + eps)     W' = alpha · W     b' = beta + alpha · (b − mean)
struct FoldedWeights {
    /// filters×(C/groups)×kernel…
    var weights: Tensor
    var bias: [Float]?

    init(weights: Tensor, bias: Tensor?, batchNorm: BatchNormStatistics?) throws {
        guard let channels = weights.shape.dimensions.first else { throw ModelError("its weights are a scalar") }
        if let bias, bias.elementCount != channels {
            throw ModelError("its bias has \(bias.elementCount) elements, but its weights have \(channels) channels")
        }
        guard let batchNorm else {
            self.weights = weights.asFloat32()
            self.bias = bias?.floats()
            return
        }
        guard batchNorm.gamma.count == channels else {
            throw ModelError("BatchNorm has \(batchNorm.gamma.count) channels, but the weights have \(channels)")
        }
        let alpha = batchNorm.alpha
        let columns = weights.shape.elementCount / max(channels, 1)
        self.weights = weights.asFloat32().withElements(as: Float.self) { source in
            Tensor(shape: weights.shape, of: Float.self) { target in
                for channel in 0..<channels {
                    for index in channel * columns..<(channel + 1) * columns {
                        target[index] = source[index] * alpha[channel]
                    }
                }
            }
        }
        let stored = bias?.floats()
        self.bias = (0..<channels).map { channel in
            guard let stored else { return batchNorm.beta[channel] - alpha[channel] * batchNorm.mean[channel] }
            return batchNorm.beta[channel] + alpha[channel] * (stored[channel] - batchNorm.mean[channel])
        }
    }

    /// The largest |w| of each channel.
    var channelMagnitudes: [Float] {
        let channels = weights.shape[0]
        let columns = weights.shape.elementCount / max(channels, 1)
        return weights.withElements(as: Float.self) { values in
            (0..<channels).map { channel in
                values[channel * columns..<(channel + 1) * columns].reduce(0) { max($0, abs($1)) }
            }
        }
    }
}

/// int8 weights and an int32 bias, with the factors that made them.
struct WeightCodes {
    var weights: Tensor
    var bias: Tensor?
    /// Codes per unit of the weights: one for each channel, or one for all.
    var codesPerUnit: [Float]

    /// Quantizes by channel as mkldnn_conv-inl.h does: `limit` over the largest |w| of a channel, less where
    /// the int32 bias would exceed half of its range.
    /// - Parameters:
    ///   - source: codes per unit of the data that the weights meet.
    ///   - limit: which code the largest weight becomes.
    static func byChannel(_ folded: FoldedWeights, sourceCodesPerUnit source: Float, limit: Float) -> WeightCodes {
        let scales = folded.channelMagnitudes.enumerated().map { channel, magnitude in
            min(scale(magnitude, limit), folded.bias.map { largestScale(bias: $0[channel], source) } ?? .infinity)
        }
        return WeightCodes(folded, scales, source, limit: limit)
    }

    /// Quantizes with one factor for the whole tensor, as MXNet does before the ranges are known.
    /// - Parameter residual: the largest that is added to the sums. The factor is less where it or the bias would exceed
    ///   half of int32; nil as in MXNet, which lets them saturate.
    static func byTensor(
        _ folded: FoldedWeights, sourceCodesPerUnit source: Float, limit: Float, fits residual: Float?
    ) -> WeightCodes {
        let summands = residual.map { (folded.bias ?? []) + [2 * $0] } ?? []
        let largest = summands.map { largestScale(bias: $0, source) }.min() ?? .infinity
        return WeightCodes(
            folded, [min(scale(folded.channelMagnitudes.max() ?? 0, limit), largest)], source, limit: limit)
    }

    private static func scale(_ magnitude: Float, _ limit: Float) -> Float {
        magnitude == 0 ? Float(Int32.max) : limit / magnitude
    }

    /// The scale of the weights with which a bias is half of int32.
    private static func largestScale(bias: Float, _ source: Float) -> Float {
        bias == 0 ? .infinity : (bias > 0 ? Float(Int32.max) : Float(Int32.min)) / 2 / bias / source
    }

    private init(_ folded: FoldedWeights, _ scales: [Float], _ source: Float, limit: Float) {
        let channels = folded.weights.shape[0]
        let columns = folded.weights.shape.elementCount / max(channels, 1)
        func scale(_ channel: Int) -> Float { scales.count == 1 ? scales[0] : scales[channel] }
        let window = folded.weights.shape.dimensions.dropFirst(2).reduce(1, *)
        // Weights that were made for MXNet's reading are the codes that they stand for.
        let rounding: WeightRounding = limit == ParameterCodes.whole ? .keepingSums : .nearest
        weights = folded.weights.withElements(as: Float.self) { values in
            Tensor(shape: folded.weights.shape, of: Int8.self) { target in
                for channel in 0..<channels {
                    let range = channel * columns..<(channel + 1) * columns
                    rounding.round(
                        UnsafeBufferPointer(rebasing: values[range]), scale: scale(channel), window: window,
                        into: UnsafeMutableBufferPointer(rebasing: target[range]))
                }
            }
        }
        bias = folded.bias.map { bias in
            Tensor(bias.enumerated().map { Int32(roundedToEven: $1 * (scale($0) * source)) })
        }
        codesPerUnit = scales
    }
}

extension Int32 {
    /// Rounds half to even and saturates; 0 for NaN.
    init(roundedToEven value: Float) { self.init(saturating: value.rounded(.toNearestOrEven)) }

    /// Rounds half away from zero and saturates; 0 for NaN.
    init(roundedAway value: Float) { self.init(saturating: value.rounded(.toNearestOrAwayFromZero)) }

    private init(saturating value: Float) {
        if value.isNaN {
            self = 0
        } else if value >= 0x1p31 {
            self = .max
        } else if value <= -0x1p31 {
            self = .min
        } else {
            self = Int32(value)
        }
    }
}
