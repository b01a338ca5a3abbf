/// Writes a drawing in Graphviz's language. The text depends on the drawing alone, so that it can be compared.
///
///     digraph "title" { graph […] node […] edge […]  subgraph "cluster_x" { boxes }  boxes  arrows }
///
/// Labels are Graphviz's HTML-like ones, whose text is escaped as in XML.
public enum DOTWriter {
    /// Beyond so many boxes Graphviz's network simplex takes minutes, so its rounds are limited: 2,000 boxes take seconds.
    /// Straight arrows would save little and run through boxes.
    static let largeDrawing = 600
    static let hugeDrawing = 3000

    /// - Parameters:
    ///   - drawing: what is laid out.
    ///   - resolution: pixels per inch, for formats made of pixels.
    public static func text(for drawing: GraphDrawing, resolution: Int? = nil) -> String {
        var lines = ["digraph \(quoted(drawing.title)) {"] + header(of: drawing, resolution)
        let byCluster = Dictionary(grouping: drawing.nodes, by: \.cluster)
        for cluster in drawing.clusters {
            lines += frame(cluster) + (byCluster[cluster.id] ?? []).flatMap { indented(box($0)) } + ["  }"]
        }
        lines += (byCluster[nil] ?? []).flatMap(box)
        lines += drawing.edges.map(arrow)
        lines += rows(drawing.rows)
        return lines.joined(separator: "\n") + "\n}\n"
    }

    // MARK: Statements

    private static func header(of drawing: GraphDrawing, _ resolution: Int?) -> [String] {
        let font = "fontname=\"Arial,Helvetica,sans-serif\""
        var graph = [
            """
              graph [rankdir=TB newrank=true nodesep=0.3 ranksep=0.3 pad=0.25 bgcolor="#FFFFFF" \
            \(font) fontsize=12 fontcolor="#333333"]
            """
        ]
        // Limits in inches keep a picture of pixels within memory: 1.5 GB at 144 pixels per inch.
        if let resolution { graph.append("  graph [dpi=\(resolution) size=\"80,200\"]") }
        if drawing.nodes.count > largeDrawing {
            let rounds = drawing.nodes.count > hugeDrawing ? 0.5 : 2
            graph.append("  graph [nslimit=\(rounds) nslimit1=\(rounds) mclimit=0.3]")
        }
        if let label = title(of: drawing) { graph.append("  graph [labelloc=t labeljust=l label=<\(label)>]") }
        return graph + [
            """
              node [shape=box style="rounded,filled" \(font) fontsize=11 fontcolor="#1A1A1A" \
            margin="0.08,0.05" height=0.3 width=0.6 penwidth=1]
            """,
            "  edge [\(font) fontsize=9 fontcolor=\"#4D4D4D\" arrowsize=0.6 weight=4]",
        ]
    }

    private static func frame(_ cluster: DrawnCluster) -> [String] {
        let newline = "<br align=\"left\"/>"
        let size = cluster.role == .stage ? 13 : 10
        let subtitle = cluster.subtitle.isEmpty
            ? "" : "\(newline)<font point-size=\"9\" color=\"#808080\">\(escaped(cluster.subtitle))</font>\(newline)"
        let (fill, border) = cluster.role == .stage ? ("#FCFCFC", "#BFBFBF") : ("#F7F7F7", "#D0D0D0")
        return [
            "  subgraph \(quoted("cluster_" + cluster.id)) {",
            """
                graph [style="rounded,filled" fillcolor="\(fill)" color="\(border)" margin=10 labeljust=l \
            label=<<font point-size="\(size)"><b>\(escaped(cluster.title))</b></font>\(subtitle)>]
            """,
        ]
    }

    private static func box(_ node: DrawnNode) -> [String] {
        let style = BoxStyle(node.category)
        let arithmetic = node.arithmetic.map(PathStyle.init)
        var attributes = "fillcolor=\"\(style.fill)\" color=\"\(arithmetic?.color ?? style.border)\""
        if arithmetic != nil { attributes += " penwidth=1.8" }
        if node.category == .terminal { attributes += " style=\"rounded,filled,dashed\"" }
        return ["  \(quoted(node.id)) [\(attributes) tooltip=\(quoted(node.name)) label=<"]
            + BoxLabel.lines(of: node).map { "    " + $0 } + ["  >]"]
    }

    private static func arrow(_ edge: DrawnEdge) -> String {
        let style = PathStyle(edge.kind)
        var attributes = "color=\"\(style.color)\" penwidth=\(style.width) style=\(style.dashes)"
        if edge.isSkip { attributes += " weight=1" }
        if !edge.lines.isEmpty {
            // The padding keeps the text off the line; spaces would be dropped by some viewers of SVG.
            let text = edge.lines.map(escaped).joined(separator: "<br/>")
            attributes += " label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"4\">"
                + "<tr><td>\(text)</td></tr></table>>"
        }
        return "  \(quoted(edge.from)) -> \(quoted(edge.to)) [\(attributes)]"
    }

    /// Invisible arrows inside the first row keep the stages in order; the frames keep the other rows in it.
    private static func rows(_ rows: [[String]]) -> [String] {
        rows.enumerated().map { index, row in
            let nodes = row.map(quoted).joined(separator: index == 0 ? " -> " : " ")
            return "  { rank=same \(nodes)\(index == 0 ? " [style=invis]" : "") }"
        }
    }

    // MARK: Title and legend

    private static func title(of drawing: GraphDrawing) -> String? {
        let legend = drawing.legend
        var rows: [String] = []
        if !drawing.title.isEmpty {
            let title = "<font point-size=\"15\"><b>\(escaped(drawing.title))</b></font>"
            rows.append("<tr><td align=\"left\">\(title)</td></tr>")
        }
        if legend.count > 1 {
            let cells = legend.map { kind in
                "<td>\(sample(PathStyle(kind)))</td><td align=\"left\"><font point-size=\"10\">"
                    + "\(PathStyle(kind).meaning)&#160;&#160;</font></td>"
            }
            rows.append(
                "<tr><td align=\"left\"><table border=\"0\" cellspacing=\"0\" cellpadding=\"2\"><tr>"
                    + cells.joined() + "</tr></table></td></tr>")
        }
        guard !rows.isEmpty else { return nil }
        return "<table border=\"0\" cellspacing=\"0\" cellpadding=\"2\">\(rows.joined())</table>"
    }

    /// A piece of the line, made of small cells: what a legend needs and a layout cannot misplace.
    private static func sample(_ style: PathStyle) -> String {
        let height = style.width > 2 ? 3 : 1
        let (count, width, gap) = switch style.dashes {
        case "dashed": (3, 7, 3)
        case "dotted": (5, 3, 3)
        default: (1, 28, 0)
        }
        let cell = "<td fixedsize=\"true\" width=\"\(width)\" height=\"\(height)\" bgcolor=\"\(style.color)\"></td>"
        let cells = String(repeating: cell, count: count)
        return "<table border=\"0\" cellborder=\"0\" cellpadding=\"0\" cellspacing=\"\(gap)\"><tr>\(cells)</tr></table>"
    }

    private static func indented(_ lines: [String]) -> [String] { lines.map { "  " + $0 } }
}

/// A double-quoted string of Graphviz's language: `\` begins an escape there, and `&` an entity.
func quoted(_ text: String) -> String {
    "\"" + escaped(text).replacing("\\", with: "\\\\") + "\""
}

/// Text of XML. Characters that XML 1.0 forbids become the replacement character.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "\n", "\t", "\r": result += " "
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
