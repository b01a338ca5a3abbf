import Datasets
import Dispatch
import Foundation
import GraphIR
import Passes
import TensorCore

/// How ranges are found (MXNet's calib_mode).
public enum CalibrationMethod: String, Sendable, CaseIterable {
    /// Not at all: each run finds them.
    case none
    /// The extremes of the data.
    case naive
    /// The threshold that loses least information.
    case entropy
}

/// What calibration found.
public struct Calibration: Sendable {
    public var table: RangeTable
    /// Layers whose range cuts much off, with what to do.
    public var warnings: [String]

    public init(table: RangeTable, warnings: [String] = []) {
        self.table = table
        self.warnings = warnings
    }
}

extension Model {
    /// The float values that a calibration of this model can find ranges for: its inputs, and what its nodes compute.
    public var calibratableValues: [String] {
        graph.inputs.map { graph[$0].name }
            + graph.topologicalOrder().flatMap { graph[$0].outputs }.map { graph[$0].name }
    }

    /// Runs the model on data and finds the range of each value in `values`. Nothing is kept of the data but extremes or
    /// histograms.
    ///
    /// - Parameters:
    ///   - values: names of float values.
    ///   - allowsUnsigned: whether entropy may use the whole range of uint8 for values that are never negative.
    ///   - progress: called after each batch with the number of batches done and of all.
    public func calibrate(
        _ values: [String], on dataset: Dataset, batchSize: Int, batches limit: Int? = nil, method: CalibrationMethod,
        allowsUnsigned: Bool = true, engine: EngineChoice = .onednn, threads: Int? = nil,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Calibration {
        var ranges: [String: ValueRange] = [:]
        var histograms: [String: Histogram] = [:]
        switch method {
        case .none: break
        case .naive:
            try observe(values, on: dataset, batchSize: batchSize, batches: limit, engine, threads, progress) {
                name, elements in
                let range = ValueRange(of: elements)
                ranges[name] = ranges[name]?.union(range) ?? range
            }
        case .entropy:
            histograms = try self.histograms(
                values, on: dataset, batchSize: batchSize, batches: limit, engine: engine, threads: threads,
                progress: progress)
            ranges = Self.entropyRanges(of: histograms, allowsUnsigned: allowsUnsigned)
        }
        let entries = values.compactMap { name in
            ranges[name].map { RangeTable.Entry(name: name, range: $0, method: method.rawValue) }
        }
        return Calibration(
            table: RangeTable(entries: entries), warnings: ClippingReport(ranges, histograms, order: values).warnings)
    }

    /// The histogram of each value over the data, as entropy needs them.
    func histograms(
        _ values: [String], on dataset: Dataset, batchSize: Int, batches limit: Int? = nil,
        engine: EngineChoice = .onednn, threads: Int? = nil, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> [String: Histogram] {
        var histograms: [String: Histogram] = [:]
        try observe(values, on: dataset, batchSize: batchSize, batches: limit, engine, threads, progress) {
            name, elements in
            if histograms[name]?.add(elements) == nil { histograms[name] = Histogram(elements) }
        }
        return histograms
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

    /// The thresholds of all histograms, found side by side.
    static func entropyRanges(of histograms: [String: Histogram], allowsUnsigned: Bool) -> [String: ValueRange] {
        let names = histograms.keys.sorted()
        let found = Locked<[String: ValueRange]>([:])
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            guard let histogram = histograms[names[index]] else { return }
            let range = EntropyThreshold.range(of: histogram, allowsUnsigned: allowsUnsigned)
            found.withLock { $0[names[index]] = range }
        }
        return found.withLock { $0 }
    }
}

/// Which ranges cut off so much that the layer cannot mean the same any more.
struct ClippingReport {
    /// Above this share of the values' energy, a cut is worth a warning: 1 %, as much as noise at 20 dB.
    static let tolerable = 0.01
    let warnings: [String]

    init(_ ranges: [String: ValueRange], _ histograms: [String: Histogram], order: [String]) {
        let shares = order.compactMap { name -> (name: String, share: Double)? in
            guard let range = ranges[name], let histogram = histograms[name] else { return nil }
            let share = histogram.clippedEnergyShare(beyond: range.magnitude)
            return share > Self.tolerable ? (name, share) : nil
        }
        guard !shares.isEmpty else {
            warnings = []
            return
        }
        let list = shares.map { "\($0.name) (\(String(format: "%.0f", $0.share * 100)) %)" }.joined(separator: ", ")
        warnings = [
            "entropy cuts off more than \(Int(Self.tolerable * 100)) % of the energy of \(shares.count) value\(shares.count == 1 ? "" : "s"): \(list). "
                + "This happens where most values are equal, such as a plain background. Use --calibrate naive, or give these "
                + "values wider ranges with --ranges."
        ]
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
