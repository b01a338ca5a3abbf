import Comparison
import Passes
import TensorCore

/// Makes the model of a trial and measures it. Calibration is done: a trial only quantizes and runs.
struct TuningEvaluator {
    /// Fused, in float.
    let float: Model
    let layers: TuningLayers
    let data: TuningData
    let ranges: TuningRanges
    let recipe: QuantizationRecipe
    let options: RunOptions

    /// The quantized model, with the stages up to it.
    func quantized(_ configuration: TuningTrial.Configuration) throws -> QuantizationResult {
        var recipe = recipe
        recipe.fuses = false
        recipe.options.excludedNames += layers.withFollowers(configuration.excluded)
        recipe.ranges = ranges.table(for: configuration)
        return try float.quantized(recipe)
    }

    func measure(_ configuration: TuningTrial.Configuration) throws -> TuningTrial {
        let model = try quantized(configuration).model
        let runner = ModelRunner(
            model, engine: options.engine, arithmetic: options.arithmetic, threads: options.threads)
        var metrics = [TensorMetrics](repeating: TensorMetrics(), count: runner.outputs.count)
        var classification: ClassificationMetrics? = ClassificationMetrics()
        try data.forEach { batch, references in
            let outputs = try runner.run(batch.inputs)
            for (index, (expected, found)) in zip(references, outputs).enumerated()
            where metrics.indices.contains(index) {
                try metrics[index].add(reference: expected, candidate: found)
            }
            if let a = references.first, let b = outputs.first { classification.add(a, b, labels: batch.labels) }
        }
        return TuningTrial(
            configuration: configuration, sqnr: metrics.map(\.sqnr).min() ?? .infinity,
            top1: classification?.candidateTop1)
    }
}
