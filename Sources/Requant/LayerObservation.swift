import Comparison
import Datasets
import Operators
import TensorCore

/// What a model computed for one value and the batch at hand.
struct LayerObservation {
    /// Codes are codes.
    var stored: Tensor
    var real: Tensor
    /// How the codes are read, if there is one grid for all batches.
    var grid: (codesPerUnit: Float, zeroPoint: Int)?

    /// Real units per code.
    var step: Float? { stored.dataType.isCode ? grid.map { 1 / $0.codesPerUnit } : nil }

    func reshaped(_ shape: Shape) -> LayerObservation {
        LayerObservation(stored: stored.reshaped(shape), real: real.reshaped(shape), grid: grid)
    }
}

extension ModelRunner {
    /// The values and the outputs for one batch.
    func observe(
        _ batch: Batch, _ names: [String]
    ) throws -> (values: [String: LayerObservation], outputs: [Tensor]) {
        var values: [String: LayerObservation] = [:]
        let outputs = try run(batch.inputs, observing: Set(names)) { name, tensor in
            guard let real = dequantized(tensor, of: name) else { return }
            var observation = LayerObservation(stored: tensor, real: real)
            if case .grid(let codesPerUnit, let zeroPoint)? = codes(of: name) {
                observation.grid = (codesPerUnit, zeroPoint)
            }
            values[name] = observation
        }
        return (values, outputs)
    }
}

/// Everything that is measured of one pair of values, gathered batch by batch.
struct LayerMeasurement {
    private var metrics = TensorMetrics()
    private var codes: CodeMetrics?
    private var local: TensorMetrics?
    private var steps: StepHistogram?
    private var saturation: SaturationMetrics?
    private var channels = ChannelActivity()
    private var types: (reference: DataType, candidate: DataType)?

    /// - Parameters:
    ///   - reference, candidate: as many elements each. Layers that are stored in another shape, such as before and after
    ///     a Flatten, hold the same ones.
    ///   - alone: what the candidate's layer makes of the reference's values.
    mutating func add(_ reference: LayerObservation, _ candidate: LayerObservation, alone: Tensor?) throws {
        let a = reference.reshaped(candidate.real.shape), b = candidate
        types = (a.stored.dataType, b.stored.dataType)
        try metrics.add(reference: a.real, candidate: b.real)
        try channels.add(reference: a.real, candidate: b.real)
        if let alone, alone.elementCount == a.real.elementCount {
            var metrics = local ?? TensorMetrics()
            try metrics.add(reference: a.real, candidate: alone.reshaped(a.real.shape))
            local = metrics
        }
        if let step = b.step ?? a.step, step > 0 {
            var histogram = steps ?? StepHistogram(step: step)
            try histogram.add(reference: a.real, candidate: b.real)
            steps = histogram
        }
        if let step = b.step {
            var metrics = saturation ?? SaturationMetrics()
            try metrics.add(codes: b.stored, values: b.real, reference: a.real, step: step)
            saturation = metrics
        }
        if let grid = a.grid, let other = b.grid, grid == other, a.stored.dataType == b.stored.dataType,
            a.stored.dataType.isCode
        {
            var metrics = codes ?? CodeMetrics()
            try metrics.add(reference: a.stored, candidate: b.stored)
            codes = metrics
        }
    }

    func comparison(of pair: LayerAlignment.Pair) -> LayerComparison {
        var row = LayerComparison(pair, metrics, codes: codes)
        row.referenceType = types.map { "\($0.reference)" }
        row.candidateType = types.map { "\($0.candidate)" }
        row.local = local.map(ErrorSummary.init)
        row.steps = steps
        row.saturation = saturation?.shares
        row.channels = channels.summary
        return row
    }
}
