import Foundation

/// Bars of the logarithm of the counts, and a line at each end of each method's range.
///
///     x = margin + (value − low) / (high − low) · width    y = height · (1 − log(1 + count) / log(1 + most))
struct HistogramPlot {
    let range: RangeFacts

    private let width = 360.0, height = 110.0, margin = 8.0

    var svg: HTML {
        let most = log1p(Double(range.counts.max() ?? 0))
        let step = width / Double(max(range.counts.count, 1))
        var path = "M\(number(margin)) \(number(height))"
        for (index, count) in range.counts.enumerated() {
            let y = most > 0 ? height - (height - 12) * log1p(Double(count)) / most : height
            path += "V\(number(y))H\(number(margin + Double(index + 1) * step))"
        }
        path += "V\(number(height))Z"
        let lines: [HTML] = range.thresholds.enumerated().flatMap { index, threshold -> [HTML] in
            [threshold.minimum, threshold.maximum].filter { $0 != 0 && $0 >= range.low && $0 <= range.high }.map {
                value in
                let x = number(place(value))
                return """
                    <path class="threshold \(PlotClass.of(threshold.method))" \
                    d="M\(x) \(number(Double(index) * 2))V\(number(height))">\
                    <title>\(threshold.method): \(value)</title></path>
                    """
            }
        }
        return """
            <svg class="plot" viewBox="0 0 \(number(width + 2 * margin)) \(number(height + 18))" role="img" \
            aria-label="histogram of \(range.value)"><path class="bars" d="\(path)"/>\(lines)\
            <path class="axis" d="M\(number(margin)) \(number(height))H\(number(margin + width))"/>\
            <text x="\(number(margin))" y="\(number(height + 13))">\(range.low)</text>\
            <text x="\(number(margin + width))" y="\(number(height + 13))" text-anchor="end">\(range.high)</text></svg>
            """
    }

    private func place(_ value: Double) -> Double {
        margin + (range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5) * width
    }

    private func number(_ value: Double) -> String { Numbers.fixed(value, 1) }
}
