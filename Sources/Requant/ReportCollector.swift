import Comparison
import Datasets
import Foundation
import GraphIR
import GraphRendering
import Passes
import Reporting
import TensorCore

/// Gathers what a report says, step by step.
struct ReportCollector {
    private(set) var data: ReportData

    init(_ models: [(name: String, model: Model)]) {
        let facts = models.map { name, model in
            let summary = model.summary()
            return ModelFacts(
                name: name, format: summary.format, stage: Stage(model.graph).title, nodes: summary.nodes,
                weightedLayers: summary.weightedLayers, quantizedLayers: summary.quantizedLayers,
                parameters: summary.parameters, parameterBytes: summary.parameterBytes)
        }
        let layers = models.enumerated().flatMap { index, entry in Self.layers(of: entry.model.graph, index) }
        data = ReportData(title: models.map(\.name).joined(separator: " → "), models: facts, layers: layers)
    }

    private static func layers(of graph: Graph, _ model: Int) -> [LayerFacts] {
        graph.topologicalOrder().map { graph[$0] }.map { node in
            let type = node.outputs.first.flatMap { graph[$0].type }
            let range = type.flatMap { type in
                type.dataType.isCode ? type.quantization?.grid.map { $0.range ?? $0.interval(type.dataType) } : nil
            }
            return LayerFacts(
                model: model, node: node.name, operator: node.op, origins: node.origins,
                type: type.map { ValueType($0.dataType, $0.shape).description } ?? "",
                range: range.map { [Double($0.min), Double($0.max)] })
        }
    }

    // MARK: Time

    /// Several steps of a program may stem from one node.
    mutating func add(_ model: Model, at index: Int, _ options: TimingOptions) {
        do {
            let profile = try model.profile(options)
            data.models[index].milliseconds = profile.duration / .milliseconds(1)
            data.models[index].batchSize = profile.batchSize
            let steps = Dictionary(grouping: profile.layers, by: \.node)
            for place in data.layers.indices where data.layers[place].model == index {
                guard let steps = steps[data.layers[place].node] else { continue }
                let duration = steps.reduce(Duration.zero) { $0 + $1.duration }
                data.layers[place].microseconds = duration / .microseconds(1)
                data.layers[place].timeShare = profile.duration == .zero ? 0 : duration / profile.duration
                data.layers[place].implementation = steps.map(\.implementation).joined(separator: " + ")
            }
        } catch {
            data.notes.append("The layers of \(data.models[index].name) were not timed: \(error)")
        }
    }

    // MARK: Errors

    mutating func compare(
        _ reference: (name: String, model: Model), _ candidate: (name: String, model: Model), at index: Int,
        on dataset: Dataset, _ run: RunOptions
    ) throws {
        var options = DiffOptions()
        options.run = run
        options.comparesLayers = true
        let report = try reference.model.compare(
            with: candidate.model, names: (reference.name, candidate.name), on: dataset, options)
        data.comparisons.append(report)
        data.models[index].top1 = report.classification?.candidateTop1
        data.models[index].agreement = report.classification?.agreement
        data.models[0].top1 = report.classification?.referenceTop1
        // By node: the last one that stems from an origin has the value that was compared.
        let errors = Dictionary(report.layers.map { ($0.origin, $0) }) { _, last in last }
        var taken = Set<String>()
        for place in data.layers.indices.reversed() where data.layers[place].model == index {
            let origin = data.layers[place].origins.last ?? data.layers[place].node
            guard let error = errors[origin], taken.insert(origin).inserted else { continue }
            data.layers[place].sqnr = error.sqnr.isFinite ? error.sqnr : nil
            data.layers[place].localSQNR = (error.local?.sqnr).flatMap { $0.isFinite ? $0 : nil }
            data.layers[place].maximumDifference = error.maximumDifference
        }
    }

    /// A model alone has no errors, but maybe an accuracy.
    mutating func classify(_ entry: (name: String, model: Model), on dataset: Dataset, _ run: RunOptions) throws {
        var options = DiffOptions()
        options.run = run
        let report = try entry.model.compare(
            with: entry.model, names: (entry.name, entry.name), on: dataset, options)
        data.models[0].top1 = report.classification?.referenceTop1
    }

    // MARK: Ranges

    private static let bins = 120

    /// The histograms of the values that the first model in floating point would be calibrated for.
    mutating func findRanges(_ models: [(name: String, model: Model)], on dataset: Dataset, _ run: RunOptions) {
        guard let float = models.first(where: { !$0.model.isQuantized }) else {
            data.notes.append("There are no histograms: no model is in floating point.")
            return
        }
        do {
            let fused = try float.model.fused().model
            let calibration = try fused.calibrate(
                fused.calibratableValues, on: dataset, batchSize: run.batchSize, batches: run.batches,
                search: RangeSearch(.best), engine: run.engine, threads: run.threads)
            data.ranges = calibration.table.entries.compactMap { entry in
                guard let choice = calibration.choices[entry.name],
                    let histogram = calibration.statistics.histograms[entry.name]
                else { return nil }
                return RangeFacts(entry.name, histogram, choice, bins: Self.bins)
            }
        } catch {
            data.notes.append("There are no histograms: \(error)")
        }
    }
}

extension RangeFacts {
    /// Bins are put together until few enough are left to be drawn.
    fileprivate init(_ name: String, _ histogram: Histogram, _ choice: RangeSearch.Choice, bins: Int) {
        let low = Double(min(histogram.range.min, 0)), high = Double(max(histogram.range.max, 0))
        var counts = [Int](repeating: 0, count: bins)
        let width = high - low
        for (index, count) in histogram.counts.enumerated() where count > 0 {
            let centre = (Double(index) + 0.5) * histogram.step - histogram.threshold
            let bin = width > 0 ? (centre - low) / width * Double(bins) : 0
            counts[Int(max(0, min(bin, Double(bins - 1))))] += count
        }
        let candidates = choice.candidates.isEmpty ? [choice] : choice.candidates
        self.init(
            value: name, minimum: Double(histogram.range.min), maximum: Double(histogram.range.max), low: low,
            high: high, counts: counts,
            thresholds: candidates.map {
                Threshold(
                    method: $0.method.rawValue, minimum: Double($0.range.min), maximum: Double($0.range.max),
                    noise: $0.error.noise)
            }, best: choice.method.rawValue)
    }
}
