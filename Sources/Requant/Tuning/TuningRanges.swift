import Passes
import TensorCore

/// The ranges that every method chooses for every value, from one calibration.
struct TuningRanges {
    /// The methods that trials choose from.
    static let methods: [CalibrationMethod] = [.naive, .entropy, .percentile, .mse, .best]

    /// In the order of the table.
    let order: [String]
    /// By value, then by method: minimum and maximum.
    let ranges: [String: [String: [Float]]]

    /// - Parameter calibration: made with the method `best`, which tries all.
    init(_ calibration: Calibration) {
        order = calibration.table.entries.map(\.name)
        ranges = calibration.choices.mapValues { choice in
            let all = choice.candidates.map { ($0.method.rawValue, $0.range) } + [("best", choice.range)]
            return Dictionary(all.map { ($0, [$1.min, $1.max]) }) { first, _ in first }
        }
    }

    /// From a journal.
    init(_ ranges: [String: [String: [Float]]], order: [String]) {
        self.ranges = ranges
        self.order = order.filter { ranges[$0] != nil }
    }

    /// The table of a trial.
    func table(for configuration: TuningTrial.Configuration) -> RangeTable {
        RangeTable(
            entries: order.compactMap { name in
                let method = configuration.overrides[name] ?? configuration.method
                guard let range = ranges[name]?[method], range.count == 2 else { return nil }
                return RangeTable.Entry(name: name, range: ValueRange(range[0], range[1]), method: method)
            })
    }
}
