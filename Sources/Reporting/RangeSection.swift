/// What calibration saw of each value: all ranges in one plot, and the histogram of each.
struct RangeSection {
    let ranges: [RangeFacts]

    var html: HTML? {
        guard !ranges.isEmpty else { return nil }
        let figures: [HTML] = ranges.map { range in
            let rows: [HTML] = range.thresholds.map { threshold in
                """
                <tr><td>\(Self.mark(threshold.method))\(threshold.method)\(threshold.method == range.best ? " ✓" : "")</td>\
                <td class="number">\(threshold.minimum)</td><td class="number">\(threshold.maximum)</td>\
                <td class="number">\(threshold.noise, digits: 3)</td></tr>
                """
            }
            return """
                <figure class="histogram"><h3><code>\(range.value)</code></h3>
                \(HistogramPlot(range: range).svg)
                <table><thead><tr><th>method</th><th>minimum</th><th>maximum</th><th>noise</th></tr></thead>
                <tbody>\(rows)</tbody></table></figure>

                """
        }
        return """
            <section id="ranges"><h2>Ranges</h2>
            <p class="hint">Counts are on a logarithmic scale. Noise is the mean squared error of the codes over the mean
            square of the values; ✓ marks the method with the least.</p>
            <figure class="overview">\(RangePlot(ranges: ranges).svg)</figure>
            <div class="grid">\(figures)</div></section>

            """
    }

    private static func mark(_ method: String) -> HTML {
        "<svg class=\"plot mark\" viewBox=\"0 0 18 8\" width=\"18\" height=\"8\" aria-hidden=\"true\"><path class=\"threshold \(PlotClass.of(method))\" d=\"M0 4H18\"/></svg> "
    }
}

/// The names of the classes that give methods their colour and dashes; only known ones become classes.
enum PlotClass {
    static func of(_ method: String) -> String {
        ["naive", "entropy", "percentile", "mse"].contains(method) ? method : "other"
    }
}
