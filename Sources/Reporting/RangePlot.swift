/// A row for each value: a bar over what was seen, and a mark where each method would cut, all on one scale.
struct RangePlot {
    let ranges: [RangeFacts]

    private let rowHeight = 15.0, names = 300.0, width = 520.0

    var svg: HTML {
        let ends = ranges.flatMap { range in
            [range.minimum, range.maximum] + range.thresholds.flatMap { [$0.minimum, $0.maximum] }
        }.filter(\.isFinite)
        let most = max(ends.max() ?? 1, 1e-30)
        let least = min(0, ends.min() ?? 0)
        func place(_ value: Double) -> String {
            Numbers.fixed(names + (value - least) / (most - least) * width, 1)
        }
        let rows: [HTML] = ranges.enumerated().map { index, range in
            let y = Double(index) * rowHeight + 12
            let middle = Numbers.fixed(y - 4, 1)
            let marks: [HTML] = range.thresholds.flatMap { threshold -> [HTML] in
                [threshold.minimum, threshold.maximum].filter { $0 != 0 }.map { value in
                    """
                    <path class="threshold \(PlotClass.of(threshold.method))" \
                    d="M\(place(value)) \(Numbers.fixed(y - 10, 1))v12"><title>\(threshold.method): \(value)</title></path>
                    """
                }
            }
            return """
                <text x="\(Numbers.fixed(names - 8, 0))" y="\(Numbers.fixed(y, 1))" text-anchor="end">\(shortened(range.value))</text>\
                <path class="extent" d="M\(place(range.minimum)) \(middle)H\(place(range.maximum))">\
                <title>\(range.value): \(range.minimum) … \(range.maximum)</title></path>\(marks)
                """
        }
        let bottom = Double(ranges.count) * rowHeight + 4
        return """
            <svg class="plot" viewBox="0 0 \(Numbers.fixed(names + width + 12, 0)) \(Numbers.fixed(bottom + 16, 0))" role="img" \
            aria-label="ranges of all values"><path class="axis" d="M\(place(0)) 0V\(Numbers.fixed(bottom, 1))"/>\(rows)\
            <text x="\(place(least))" y="\(Numbers.fixed(bottom + 11, 1))">\(least)</text>\
            <text x="\(place(most))" y="\(Numbers.fixed(bottom + 11, 1))" text-anchor="end">\(most)</text></svg>
            """
    }

    private func shortened(_ name: String) -> String {
        name.count > 44 ? "\(name.prefix(21))…\(name.suffix(21))" : name
    }
}
