import Comparison
import Foundation
import Requant

/// What a benchmark found; `Schemas/bench.schema.json` describes its JSON.
struct BenchReport: Encodable {
    struct Row: Encodable {
        var model: String
        var batchSize: Int
        /// Of one batch, the median of the rounds.
        var milliseconds: Double
        var samplesPerSecond: Double
        /// To the rate of the first model.
        var ratio: Double
        /// From the file to the first result.
        var startMilliseconds: Double
    }

    var models: [Row]

    init(_ results: [Benchmark.Result]) {
        models = results.map { result in
            Row(
                model: result.model, batchSize: result.batchSize, milliseconds: result.latency / .milliseconds(1),
                samplesPerSecond: result.samplesPerSecond,
                ratio: result.samplesPerSecond / (results.first?.samplesPerSecond ?? 1),
                startMilliseconds: result.start / .milliseconds(1))
        }
    }

    var text: String {
        var table = TextTable(header: ["model", "batch", "ms", "samples/s", "ratio", "start ms"])
        for row in models {
            table.add([
                row.model, String(row.batchSize), String(format: "%.3f", row.milliseconds),
                String(format: "%.1f", row.samplesPerSecond), String(format: "%.2f", row.ratio),
                String(format: "%.1f", row.startMilliseconds),
            ])
        }
        return table.text
    }
}
