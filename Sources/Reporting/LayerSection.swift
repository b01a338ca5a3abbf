/// Every node of every model, to be sorted by error or by time and searched.
struct LayerSection {
    let data: ReportData

    /// The id of a layer's row, which boxes of pictures link to.
    static func anchor(model: Int, node: Int) -> String { "layer-\(model)-\(node)" }

    var html: HTML {
        """
        <section id="layers"><h2>Layers</h2>
        <div class="tools"><input type="search" id="filter" placeholder="filter by name, operator or model" \
        aria-label="filter layers"> <output id="count">\(data.layers.count) layers</output></div>
        <div class="scroll"><table class="sortable" id="layer-table"><thead><tr>\(header)</tr></thead>
        <tbody>\(rows)</tbody></table></div></section>

        """
    }

    private var header: [HTML] {
        [Cell.head("#", isNumber: true)]
            + ["model", "layer", "operator", "type"].map { Cell.head($0) }
            + ["range", "time µs", "of the time", "SQNR dB", "alone dB", "largest difference"]
            .map { Cell.head($0, isNumber: true) } + [Cell.head("computed by")]
    }

    private var rows: [HTML] {
        var places: [Int: Int] = [:]
        return data.layers.map { layer in
            let place = places[layer.model, default: 0]
            places[layer.model] = place + 1
            let model = data.models.indices.contains(layer.model) ? data.models[layer.model].name : ""
            let origins: HTML =
                layer.origins == [layer.node]
                ? "" : "<small>\(layer.origins.joined(separator: " + "))</small>"
            let range = layer.range.map { "[\(Numbers.short($0.first ?? 0)), \(Numbers.short($0.last ?? 0))]" }
            let cells: [HTML] = [
                Cell.number(Double(place), "\(place + 1)"), Cell.text(model),
                "<td><code>\(layer.node)</code>\(origins)</td>", Cell.code(layer.operator), Cell.text(layer.type),
                Cell.number(layer.range.map { $0.map(abs).max() ?? 0 }) { _ in range ?? "" },
                Cell.number(layer.microseconds) { Numbers.fixed($0, 1) },
                Cell.number(layer.timeShare, Numbers.percent), Cell.number(layer.sqnr) { Numbers.fixed($0, 1) },
                Cell.number(layer.localSQNR) { Numbers.fixed($0, 1) },
                Cell.number(layer.maximumDifference) { Numbers.short($0) }, Cell.text(layer.implementation ?? ""),
            ]
            return "<tr id=\"\(Self.anchor(model: layer.model, node: place))\">\(cells)</tr>\n"
        }
    }
}

extension ReportPage {
    /// Where a box for a node of a model links to: its row.
    /// - Parameters:
    ///   - model: its place among the models of the page.
    ///   - node: its place in the order of computation.
    public static func link(model: Int, node: Int) -> String { "#" + LayerSection.anchor(model: model, node: node) }
}
