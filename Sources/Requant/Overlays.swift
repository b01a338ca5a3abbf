import Comparison
import Foundation
import GraphRendering

extension Overlay {
    /// The time of each layer of a profile, by the nodes that it measured.
    public init(_ profile: ModelProfile) {
        let total = profile.duration / .microseconds(1)
        let pairs = profile.layers.map { layer in
            let time = layer.duration / .microseconds(1)
            let share = total > 0 ? time / total * 100 : 0
            return (layer.node, Entry(value: time, text: String(format: "%.1f µs, %.1f %%", time, share)))
        }
        self.init(title: "time", entries: Dictionary(pairs) { first, _ in first }, isSummed: true)
    }

    /// The accumulated error of each layer of a comparison, by the nodes of the float model: the less SQNR, the more error.
    public init(errorsOf report: ComparisonReport) {
        let pairs = report.layers.filter(\.sqnr.isFinite).map { layer in
            (layer.origin, Entry(value: -layer.sqnr, text: String(format: "SQNR %.1f dB", layer.sqnr)))
        }
        self.init(title: "error", entries: Dictionary(pairs) { first, _ in first })
    }
}
