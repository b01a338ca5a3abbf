/// The head of a drawing: its title, what the lines mean, what the fills mean, and the scale of an overlay, as one of
/// Graphviz's HTML-like tables.
struct Legend {
    let drawing: GraphDrawing

    /// Nil if there is nothing to say.
    var label: String? {
        var rows: [String] = []
        if !drawing.title.isEmpty {
            rows.append("<font point-size=\"15\"><b>\(escaped(drawing.title))</b></font>")
        }
        if let note = drawing.note { rows.append(small(note)) }
        let paths = drawing.legend
        if paths.count > 1 || paths.first.map({ $0 != .float }) ?? false {
            rows.append(line(paths.map { (sample(PathStyle($0)), PathStyle($0).meaning) }))
        }
        if let overlay = drawing.scale {
            rows.append(scale(overlay))
        } else if drawing.categories.count > 1 {
            rows.append(line(drawing.categories.map { (swatch(BoxStyle($0)), BoxStyle($0).meaning) }))
        }
        if let widths = drawing.widths { rows.append(small(widths)) }
        guard !rows.isEmpty else { return nil }
        let cells = rows.map { "<tr><td align=\"left\">\($0)</td></tr>" }.joined()
        return "<table border=\"0\" cellspacing=\"0\" cellpadding=\"2\">\(cells)</table>"
    }

    private func line(_ entries: [(sample: String, meaning: String)]) -> String {
        let cells = entries.map { "<td>\($0.sample)</td><td align=\"left\">\(small($0.meaning))&#160;&#160;</td>" }
        return "<table border=\"0\" cellspacing=\"0\" cellpadding=\"2\"><tr>\(cells.joined())</tr></table>"
    }

    /// A piece of the line, made of small cells: what a legend needs and a layout cannot misplace.
    private func sample(_ style: PathStyle) -> String {
        let height = style.width > 2 ? 3 : 1
        let (count, width, gap) =
            switch style.dashes {
            case "dashed": (3, 7, 3)
            case "dotted": (5, 3, 3)
            default: (1, 28, 0)
            }
        let cell = "<td fixedsize=\"true\" width=\"\(width)\" height=\"\(height)\" bgcolor=\"\(style.color)\"></td>"
        let cells = String(repeating: cell, count: count)
        return "<table border=\"0\" cellborder=\"0\" cellpadding=\"0\" cellspacing=\"\(gap)\"><tr>\(cells)</tr></table>"
    }

    private func swatch(_ style: BoxStyle) -> String {
        "<table border=\"1\" cellborder=\"0\" cellpadding=\"0\" cellspacing=\"0\" color=\"\(style.border.light)\"><tr>"
            + "<td fixedsize=\"true\" width=\"16\" height=\"10\" bgcolor=\"\(style.fill.light)\"></td></tr></table>"
    }

    private func scale(_ scale: OverlayScale) -> String {
        let cells = Palette.heat.map {
            "<td fixedsize=\"true\" width=\"18\" height=\"10\" bgcolor=\"\($0.light)\"></td>"
        }
        let ramp =
            "<table border=\"0\" cellborder=\"0\" cellpadding=\"0\" cellspacing=\"0\"><tr>\(cells.joined())</tr></table>"
        return
            "<table border=\"0\" cellspacing=\"0\" cellpadding=\"2\"><tr><td>\(small(scale.title + ": " + scale.low))</td>"
            + "<td>\(ramp)</td><td>\(small(scale.high))</td></tr></table>"
    }

    private func small(_ text: String) -> String { "<font point-size=\"10\">\(escaped(text))</font>" }
}
