/// What the models are, how fast, how right.
struct SummarySection {
    let data: ReportData

    var html: HTML {
        """
        <section id="summary"><h2>Summary</h2>
        <div class="scroll"><table class="sortable"><thead><tr>\(header)</tr></thead><tbody>\(rows)</tbody></table></div>
        \(outputs)\(notes)</section>

        """
    }

    private var hasTimes: Bool { data.models.contains { $0.milliseconds != nil } }
    private var hasTop1: Bool { data.models.contains { $0.top1 != nil } }
    private var hasAgreement: Bool { data.models.contains { $0.agreement != nil } }

    private var header: [HTML] {
        var cells = [
            Cell.head("model"), Cell.head("stage"), Cell.head("format"), Cell.head("nodes", isNumber: true),
            Cell.head("layers in int8", isNumber: true), Cell.head("parameters", isNumber: true),
            Cell.head("bytes", isNumber: true),
        ]
        if hasTimes { cells += [Cell.head("ms", isNumber: true), Cell.head("speed", isNumber: true)] }
        if hasTop1 { cells.append(Cell.head("top-1", isNumber: true)) }
        if hasAgreement { cells.append(Cell.head("agreement", isNumber: true)) }
        return cells
    }

    private var rows: [HTML] {
        data.models.map { model in
            var cells = [
                Cell.text(model.name), Cell.text(model.stage), Cell.text(model.format),
                Cell.number(Double(model.nodes), "\(model.nodes)"),
                Cell.number(
                    Double(model.quantizedLayers), "\(model.quantizedLayers) of \(model.weightedLayers)"),
                Cell.number(Double(model.parameters), "\(model.parameters)"),
                Cell.number(Double(model.parameterBytes), "\(model.parameterBytes)"),
            ]
            if hasTimes {
                let first = data.models.first?.milliseconds
                let speed = model.milliseconds.flatMap { time in first.map { $0 / max(time, 1e-9) } }
                cells.append(Cell.number(model.milliseconds) { Numbers.fixed($0, 3) })
                cells.append(Cell.number(speed) { Numbers.fixed($0, 2) + "×" })
            }
            if hasTop1 { cells.append(Cell.number(model.top1, Numbers.percent)) }
            if hasAgreement { cells.append(Cell.number(model.agreement, Numbers.percent)) }
            return "<tr>\(cells)</tr>\n"
        }
    }

    /// How far the outputs are from those of the first model.
    private var outputs: [HTML] {
        data.comparisons.map { comparison in
            let lines: [HTML] = comparison.outputs.map { output in
                """
                <li><code>\(output.candidate)</code>: SQNR \(output.sqnr) dB, largest difference \
                \(output.maximumDifference), cosine \(output.cosine, digits: 6)</li>
                """
            }
            let worst: HTML = comparison.worstLayer.map { "<li>worst layer: <code>\($0)</code></li>" } ?? ""
            return """
                <h3>\(comparison.candidate) against \(comparison.reference)</h3>
                <ul>\(lines)\(worst)<li>\(comparison.samples) samples</li></ul>

                """
        }
    }

    private var notes: [HTML] { data.notes.map { "<p class=\"note\">\($0)</p>\n" } }
}

/// Cells of tables that can be sorted: the number that counts stands in `data-value`.
enum Cell {
    static func head(_ title: String, isNumber: Bool = false) -> HTML {
        let kind: HTML = isNumber ? " class=\"number\"" : ""
        return "<th scope=\"col\"\(kind)><button type=\"button\">\(title)</button></th>"
    }

    static func text(_ text: String) -> HTML { "<td>\(text)</td>" }
    static func code(_ text: String) -> HTML { "<td><code>\(text)</code></td>" }

    static func number(_ value: Double, _ text: String) -> HTML {
        "<td class=\"number\" data-value=\"\(value, digits: 9)\">\(text)</td>"
    }

    static func number(_ value: Double?, _ text: (Double) -> String) -> HTML {
        value.map { number($0, text($0)) } ?? "<td class=\"number\"></td>"
    }
}
