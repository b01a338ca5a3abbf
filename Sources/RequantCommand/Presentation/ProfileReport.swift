import Comparison
import Foundation
import Requant
import TensorCore

/// What a profile found; `Schemas/profile.schema.json` describes its JSON.
struct ProfileReport: Encodable {
    struct Row: Encodable {
        var node: String
        var kernel: String
        /// The type of its data.
        var type: String
        var implementation: String
        var microseconds: Double
        /// Of the time of the whole model, in 0…1.
        var share: Double
        /// 10⁹ operations per second.
        var gigaOperationsPerSecond: Double?
        /// Of the rate that oneDNN's best single convolution reaches, in 0…1.
        var shareOfPeak: Double?
        /// The time that the other model takes for the same nodes of the float model.
        var versusMicroseconds: Double?
    }

    var batchSize: Int
    var milliseconds: Double
    /// Of the time, spent in layers that work on codes, in 0…1.
    var integerShare: Double
    /// 10⁹ operations per second of oneDNN's best single convolution, by type.
    var peakGigaOperationsPerSecond: [String: Double]
    var versusMilliseconds: Double?
    var layers: [Row]

    init(_ profile: ModelProfile, versus other: ModelProfile?) {
        let total = profile.duration
        batchSize = profile.batchSize
        milliseconds = total / .milliseconds(1)
        let integer = profile.layers.filter { $0.dataType.isCode }.reduce(Duration.zero) { $0 + $1.duration }
        integerShare = total == .zero ? 0 : integer / total
        peakGigaOperationsPerSecond = Dictionary(
            uniqueKeysWithValues: profile.peaks.map { ($0.key == .float32 ? "float32" : "int8", $0.value / 1e9) })
        versusMilliseconds = other.map { $0.duration / .milliseconds(1) }
        // What one model computes in one layer, the other may compute in several.
        var others: [String: Duration] = [:]
        for layer in other?.layers ?? [] {
            for origin in layer.origins { others[origin, default: .zero] += layer.duration / layer.origins.count }
        }
        var claimed = Set<String>()
        layers = profile.layers.map { layer in
            let fresh = layer.origins.filter { others[$0] != nil && claimed.insert($0).inserted }
            return Row(
                node: layer.node, kernel: layer.kernel, type: layer.dataType.description,
                implementation: layer.implementation, microseconds: layer.duration / .microseconds(1),
                share: total == .zero ? 0 : layer.duration / total,
                gigaOperationsPerSecond: layer.rate.map { $0 / 1e9 },
                shareOfPeak: profile.shareOfPeak(layer),
                versusMicroseconds: fresh.isEmpty
                    ? nil : fresh.reduce(Duration.zero) { $0 + (others[$1] ?? .zero) } / .microseconds(1))
        }
    }

    var text: String {
        let hasOther = versusMilliseconds != nil
        var table = TextTable(
            header: ["layer", "kernel", "type", "µs", "share", "GOP/s", "of peak"]
                + (hasOther ? ["versus µs", "ratio"] : [])
                + ["implementation"], words: hasOther ? [0, 1, 2, 9] : [0, 1, 2, 7])
        for row in layers {
            var cells = [
                row.node, row.kernel, row.type, String(format: "%.0f", row.microseconds), Wording.percent(row.share),
                row.gigaOperationsPerSecond.map { String(format: "%.0f", $0) } ?? "",
                row.shareOfPeak.map { String(format: "%.0f %%", $0 * 100) } ?? "",
            ]
            if hasOther {
                cells += [
                    row.versusMicroseconds.map { String(format: "%.0f", $0) } ?? "",
                    row.versusMicroseconds.map { String(format: "%.2f", $0 / max(row.microseconds, 0.001)) } ?? "",
                ]
            }
            table.add(cells + [row.implementation])
        }
        let peaks = peakGigaOperationsPerSecond.sorted { $0.key < $1.key }.map {
            "\($0.key) \(String(format: "%.0f", $0.value)) GOP/s"
        }
        var summary =
            "\ntime     \(String(format: "%.3f", milliseconds)) ms for \(Wording.count(batchSize, "sample"))\n"
        if let versusMilliseconds {
            summary +=
                "versus   \(String(format: "%.3f", versusMilliseconds)) ms, \(String(format: "%.2f", versusMilliseconds / max(milliseconds, 1e-6))) times as long\n"
        }
        summary += "int8     \(Wording.percent(integerShare)) of the time\n"
        summary += "peak     \(peaks.joined(separator: ", ")): oneDNN's best single convolution here\n"
        return table.text + summary
    }
}
