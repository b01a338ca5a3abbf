import Datasets
import Dispatch
import Foundation
import GraphIR
import Operators
import Passes
import TensorCore

/// What calibration found.
public struct Calibration: Sendable {
    /// The ranges, in the order in which the model computes the values.
    public var table: RangeTable
    /// Layers whose range cuts much off, and what else a user should know, with what to do.
    public var warnings: [String]
    /// What was kept of the data.
    public var statistics: CalibrationStatistics
    /// By the name of the value; empty where extremes are all that was kept.
    public var choices: [String: RangeSearch.Choice]

    /// Ranges that come from elsewhere need no statistics.
    public init(
        table: RangeTable, warnings: [String] = [],
        statistics: CalibrationStatistics = CalibrationStatistics(keepsHistograms: false),
        choices: [String: RangeSearch.Choice] = [:]
    ) {
        self.table = table
        self.warnings = warnings
        self.statistics = statistics
        self.choices = choices
    }

    /// Chooses the ranges of all values that were seen.
    /// - Parameters:
    ///   - statistics: extremes or histograms of the values.
    ///   - search: how a range is chosen.
    ///   - order: the values' names, as the table shall have them; others are left out.
    public init(_ statistics: CalibrationStatistics, _ search: RangeSearch, order: [String]) {
        let choices = Self.choices(of: statistics.histograms, search)
        let entries = order.compactMap { name -> RangeTable.Entry? in
            if let choice = choices[name] {
                return RangeTable.Entry(name: name, range: choice.range, method: choice.method.rawValue)
            }
            return statistics.extremes[name].map {
                RangeTable.Entry(name: name, range: $0, method: search.method.rawValue)
            }
        }
        self.init(
            table: RangeTable(entries: entries),
            warnings: CalibrationWarnings.of(choices, statistics.histograms, order: order), statistics: statistics,
            choices: choices)
    }

    /// The choices for all histograms, made side by side.
    private static func choices(
        of histograms: [String: Histogram], _ search: RangeSearch
    ) -> [String: RangeSearch.Choice] {
        let names = histograms.keys.sorted()
        let found = Locked<[String: RangeSearch.Choice]>([:])
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            let choice = histograms[names[index]].flatMap(search.choice)
            found.withLock { $0[names[index]] = choice }
        }
        return found.withLock { $0 }
    }
}

extension Model {
    /// The float values that a calibration of this model can find ranges for: its inputs, and what its nodes compute.
    public var calibratableValues: [String] {
        let labels = OperatorTable.standard.labels(of: graph)
        return (graph.inputs + graph.topologicalOrder().flatMap { graph[$0].outputs })
            .filter { !labels.contains($0) }.map { graph[$0].name }
    }

    /// Runs the model on data and finds the range of each value in `values`. Nothing is kept of the data but extremes or
    /// histograms, however many batches there are.
    ///
    /// - Parameters:
    ///   - dataset: what the model is run on.
    ///   - batchSize: samples that run at once.
    ///   - limit: only the first so many batches; nil for all.
    ///   - search: how a range is chosen.
    ///   - engine: what computes.
    ///   - threads: that oneDNN may use; nil for all.
    ///   - values: names of float values.
    ///   - earlier: histograms to go on from, as if their data had come first.
    ///   - progress: called after each batch with the number of batches done and of all.
    public func calibrate(
        _ values: [String], on dataset: Dataset, batchSize: Int, batches limit: Int? = nil, search: RangeSearch,
        from earlier: [String: Histogram] = [:], engine: EngineChoice = .onednn, threads: Int? = nil,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Calibration {
        guard search.method != .none else { return Calibration(table: RangeTable()) }
        var statistics = CalibrationStatistics(keepsHistograms: search.method.needsHistograms || !earlier.isEmpty)
        if !earlier.isEmpty { statistics = CalibrationStatistics(histograms: earlier) }
        try observe(values, on: dataset, batchSize: batchSize, batches: limit, engine, threads, progress) {
            name, elements in
            statistics.add(elements, of: name)
        }
        return Calibration(statistics, search, order: values)
    }

    /// Runs the model on the data and shows the elements of each value, batch by batch.
    private func observe(
        _ values: [String], on dataset: Dataset, batchSize: Int, batches limit: Int?, _ engine: EngineChoice,
        _ threads: Int?, _ progress: (Int, Int) -> Void,
        _ look: (String, UnsafeBufferPointer<Float>) -> Void
    ) throws {
        let runner = ModelRunner(self, engine: engine, threads: threads, repeatsMXNetSums: true)
        var batches = dataset.batches(of: batchSize, limit: limit)
        let total = batches.count
        var done = 0
        while let batch = try batches.next() {
            _ = try runner.run(batch.inputs, observing: Set(values)) { name, tensor in
                let values = tensor.asFloat32()
                if values.firstNonFinite != nil {
                    throw ModelError(
                        "becomes infinite or no number at all for the data of batch \(done + 1)", at: "value '\(name)'",
                        advice: "check the data and its preprocessing (--mean, --std, --scale)")
                }
                values.withElements(as: Float.self) { look(name, $0) }
            }
            done += 1
            progress(done, total)
        }
    }
}

/// A value that several threads change, one at a time.
///
/// `@unchecked Sendable`: the value is only touched while the lock is held.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}
