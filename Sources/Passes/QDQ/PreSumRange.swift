import GraphIR
import Operators
import TensorCore

/// The range of a convolution's result before its residual is added, which MXNet's calibration never sees.
///
/// Two bounds need no data. What lies beyond the first cannot change the code of the sum, which is cut off at the ends of
/// its own range anyway. The second is what the BatchNorm that was folded says of its results: each channel has mean beta
/// and standard deviation |gamma| over the training data (Nagel et al., "Data-Free Quantization Through Weight Equalization
/// and Bias Correction", 2019, take 6 deviations as we do).
struct PreSumRange {
    private static let deviations: Float = 6
    let range: ValueRange

    /// - Parameter type: of the sum.
    init(_ node: NodeReader, sum type: ValueType) throws {
        let residualType = try node.type(node.node.inputs.count - 1)
        guard let sum = Self.bounds(of: type),
            let residual = Self.bounds(of: residualType)
        else { throw ModelError("its residual is not calibrated", at: node.place) }
        var low = sum.min - residual.max, high = sum.max - residual.min
        if let statistics = try Self.batchNorm(of: node) {
            low = max(low, statistics.min)
            high = min(high, statistics.max)
        }
        range = ValueRange(min(low, 0), max(high, 0, .leastNormalMagnitude))
    }

    private static func bounds(of type: ValueType) -> ValueRange? {
        guard let step = type.quantization?.grid?.steps.first else { return nil }
        return ValueRange(type.dataType.codeLimits.lowerBound * step, type.dataType.codeLimits.upperBound * step)
    }

    private static func batchNorm(of node: NodeReader) throws -> ValueRange? {
        guard let body = node.node.bodies.first, let form = try? FusedConvolutionForm(node.node),
            let inputs = form.batchNormInputs, let inner = body.nodes.first(where: { $0.op == "BatchNorm" })
        else { return nil }
        let statistics = try BatchNormStatistics(inner.attributes, parameters: inputs.map { try node.parameter($0) })
        let spreads = zip(statistics.beta, statistics.gamma).map { (mean: $0, deviation: Self.deviations * abs($1)) }
        guard let low = spreads.map({ $0.mean - $0.deviation }).min(),
            let high = spreads.map({ $0.mean + $0.deviation }).max()
        else { return nil }
        return ValueRange(low, high)
    }
}
