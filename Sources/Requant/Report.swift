import Comparison
import Datasets
import Foundation
import GraphIR
import GraphRendering
import Passes
import Reporting
import TensorCore

/// What a report measures.
public struct ReportOptions: Sendable {
    /// How models are run over the data.
    public var run = RunOptions()
    /// How layers are timed.
    public var timing = TimingOptions()
    /// Measures the time of each layer.
    public var profiles = true
    /// The block that is drawn side by side; nil for the one with the most nodes.
    public var block: String?

    /// Errors, ranges and times.
    public init() {}
}

/// Models that a report is about, the first of which counts as right.
public struct ModelReport: Sendable {
    /// What the page tells, as numbers and words.
    public var data: ReportData
    /// In the order of the page.
    public var pictures: [ReportPicture]

    /// One self-contained page of HTML.
    public func html() throws -> String {
        try ReportPage(data, pictures: pictures, darkPictureStyle: GraphvizRenderer.darkStyle).html()
    }

    /// Draws the models, measures their layers, compares them on data, and finds what calibration would choose.
    ///
    /// What cannot be measured, such as the time of a model whose shapes are not known, becomes a note in the report.
    /// - Parameters:
    ///   - models: the first counts as right.
    ///   - dataset: what they are compared on; nil for a report without errors, ranges and accuracy.
    ///   - options: how they are run and timed.
    ///   - progress: called with what begins.
    /// - Throws: `ModelError` if the models cannot be compared on the data, or there are none.
    public init(
        _ models: [(name: String, model: Model)], on dataset: Dataset? = nil,
        _ options: ReportOptions = ReportOptions(),
        progress: (String) -> Void = { _ in }
    ) throws {
        guard !models.isEmpty else { throw ModelError("there is no model to report on", advice: "give at least one") }
        var models = models
        if let dataset { for index in models.indices { models[index].model.learnShapes(from: dataset) } }
        var facts = ReportCollector(models)
        if options.profiles {
            for (index, entry) in models.enumerated() {
                progress("timing \(entry.name)")
                facts.add(entry.model, at: index, options.timing)
            }
        }
        if let dataset {
            for (index, entry) in models.enumerated().dropFirst() {
                progress("comparing \(entry.name)")
                try facts.compare(models[0], entry, at: index, on: dataset, options.run)
            }
            if models.count == 1 { try facts.classify(models[0], on: dataset, options.run) }
            progress("looking for ranges")
            facts.findRanges(models, on: dataset, options.run)
        }
        progress("drawing")
        let drawn = ReportPictures(models)
        pictures = try drawn.pictures(block: options.block)
        data = facts.data
    }
}

extension Model {
    /// Takes the shapes of the inputs from the first sample, if the file does not give them.
    fileprivate mutating func learnShapes(from dataset: Dataset) {
        guard inputNames.contains(where: { graph.value(named: $0)?.type?.shape == nil }) else { return }
        var batches = dataset.batches(of: 1, limit: 1)
        guard let batch = try? batches.next() else { return }
        // Shapes that do not fit are reported where the model is run.
        try? annotate(shapes: batch.inputs.mapValues(\.shape))
    }
}
