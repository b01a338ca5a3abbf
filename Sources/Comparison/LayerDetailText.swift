import Foundation

/// Tables about single layers: where the errors of their codes lie, and their weights.
enum LayerDetailText {
    /// Of each layer with codes, the share of errors of −2 or less, −1, 0, 1, 2 or more steps, saturation, and channels.
    static func histograms(of layers: [LayerComparison]) -> String {
        let rows = layers.filter { $0.steps != nil || $0.saturation != nil }
        guard !rows.isEmpty else { return "no layer has codes\n" }
        var table = TextTable(header: [
            "layer", "step", "≤ -2", "-1", "0", "+1", "≥ +2", "at low", "at high", "below", "above", "dead",
        ])
        let limit = StepHistogram.limit
        for row in rows {
            let bins = [-limit ... -2, -1 ... -1, 0...0, 1...1, 2...limit]
            var cells = [row.origin, row.steps.map { significant($0.step) } ?? ""]
            cells += row.steps.map { steps in bins.map { percent(steps.share($0)) } } ?? bins.map { _ in "" }
            cells +=
                row.saturation.map {
                    [$0.atLowest, $0.atHighest, $0.clippedBelow, $0.clippedAbove].map(percent)
                } ?? ["", "", "", ""]
            cells.append(row.channels.map(text) ?? "")
            table.add(cells)
        }
        return table.text
    }

    /// `3 of 64 (1 lost)`
    private static func text(of channels: DeadChannels) -> String {
        let lost = channels.lost.count
        return "\(channels.dead.count) of \(channels.count)" + (lost > 0 ? " (\(lost) lost)" : "")
    }

    /// Of each layer, the worst channels: networks have thousands.
    static func weights(_ weights: [WeightComparison]) -> String {
        let few = 3
        guard !weights.isEmpty else { return "no weights could be compared\n" }
        var table = TextTable(header: ["weights of", "SQNR dB", "channel", "SQNR dB", "minimum", "maximum", "step"])
        for layer in weights {
            let channels = layer.worstChannels.prefix(few)
            for (index, channel) in channels.enumerated() {
                table.add([
                    index == 0 ? layer.origin : "", index == 0 ? tenths(layer.error.sqnr) : "", "\(channel.index)",
                    tenths(channel.sqnr), significant(channel.referenceRange[0]),
                    significant(channel.referenceRange[1]),
                    channel.step.map(significant) ?? "",
                ])
            }
        }
        let isCut = weights.contains { $0.channels.count > few }
        return table.text + (isCut ? "the \(few) worst channels of each layer; --json has all\n" : "")
    }
}
