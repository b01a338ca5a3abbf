import Comparison
import Datasets
import GraphIR
import TensorCore

/// What a comparison looks at beside the outputs.
public struct DiffOptions: Sendable {
    /// How both models are run.
    public var run = RunOptions()
    /// Compares layer by layer.
    public var comparesLayers = false
    /// Compares weights, channel by channel.
    public var comparesWeights = false
    /// Compares the graphs.
    public var comparesStructure = false
    /// Looks for the layer at which the models part; needs `comparesLayers`.
    public var firstDivergence: FirstDivergence.Criterion?

    /// Outputs only.
    public init() {}
}

extension Model {
    /// Runs two models over the same data and measures how far the candidate is from this one, which counts as right.
    ///
    /// Layers are aligned by their origins. Codes are compared as the real values that they stand for, and as codes
    /// where both models put them on the same grid. Nothing is kept of a batch but what was measured.
    /// - Parameters:
    ///   - candidate: the model that is compared with this one.
    ///   - dataset: what both are run on.
    ///   - options: what is looked at beside the outputs.
    ///   - progress: called after each batch with the number of batches done and of all.
    ///   - names: what the report calls the two; by default the names of their graphs.
    /// - Throws: `ModelError` for models that do not have the same inputs or as many outputs.
    public func compare(
        with candidate: Model, names: (reference: String, candidate: String)? = nil, on dataset: Dataset,
        _ options: DiffOptions = DiffOptions(), progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> ComparisonReport {
        var diff = try StreamingDiff(collapsed(), candidate.collapsed(), options)
        var batches = dataset.batches(of: options.run.batchSize, limit: options.run.batches)
        var (samples, done) = (0, 0)
        while let batch = try batches.next() {
            try diff.add(batch, name: dataset.name)
            samples += batch.range.count
            done += 1
            progress(done, batches.count)
        }
        var report = diff.report(
            names ?? (graph.name, candidate.graph.name), samples: samples, options.firstDivergence)
        if options.comparesWeights {
            report.weights = try weightComparisons(with: candidate, options.run.arithmetic)
        }
        if options.comparesStructure { report.structure = try structure(comparedWith: candidate) }
        return report
    }

    /// What can be said of two models without data: how their graphs differ and, if that is asked for, their weights.
    public func compareWithoutData(
        with candidate: Model, names: (reference: String, candidate: String), _ options: DiffOptions = DiffOptions()
    ) throws -> ComparisonReport {
        var report = ComparisonReport(
            reference: names.reference, candidate: names.candidate, samples: 0, outputs: [])
        report.structure = try structure(comparedWith: candidate)
        if options.comparesWeights {
            report.weights = try weightComparisons(with: candidate, options.run.arithmetic)
        }
        return report
    }
}
