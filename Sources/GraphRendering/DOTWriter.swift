/// Writes a drawing in Graphviz's language. The text depends on the drawing alone, so that it can be compared.
///
///     digraph "title" { graph […] node […] edge […]  subgraph "cluster_x" { boxes  arrows }  boxes  arrows }
///
/// Labels are Graphviz's HTML-like ones, whose text is escaped as in XML. An arrow stands in the innermost frame that holds
/// both of its ends, so that Graphviz keeps its label inside.
public enum DOTWriter {
    /// Beyond so many boxes Graphviz's network simplex takes minutes, so its rounds are limited: 2,000 boxes take seconds.
    /// Straight arrows would save little and run through boxes.
    static let largeDrawing = 600
    static let hugeDrawing = 3000

    /// - Parameters:
    ///   - drawing: what is laid out.
    ///   - resolution: pixels per inch, for formats made of pixels.
    public static func text(for drawing: GraphDrawing, resolution: Int? = nil) -> String {
        let contents = FrameContents(drawing)
        var lines = ["digraph \(quoted(drawing.title)) {"] + header(of: drawing, resolution)
        lines += body(of: nil, contents)
        lines += rows(drawing.rows)
        return lines.joined(separator: "\n") + "\n}\n"
    }

    /// The frames, boxes and arrows in a frame, or outside all of them.
    private static func body(of frame: String?, _ contents: FrameContents) -> [String] {
        let inner = (contents.frames[frame] ?? []).flatMap { cluster in
            self.frame(cluster) + body(of: cluster.id, contents).map { "  " + $0 } + ["  }"]
        }
        return inner + (contents.boxes[frame] ?? []).flatMap(box) + (contents.arrows[frame] ?? []).flatMap(arrow)
    }

    // MARK: Statements

    private static func header(of drawing: GraphDrawing, _ resolution: Int?) -> [String] {
        let font = "fontname=\"Arial,Helvetica,sans-serif\""
        var graph = [
            """
              graph [rankdir=TB newrank=true nodesep=0.3 ranksep=0.3 pad=0.25 bgcolor="\(Palette.page.light)" \
            \(font) fontsize=12 fontcolor="\(Palette.heading.light)"]
            """
        ]
        // Limits in inches keep a picture of pixels within memory: 1.5 GB at 144 pixels per inch.
        if let resolution { graph.append("  graph [dpi=\(resolution) size=\"80,200\"]") }
        if drawing.nodes.count > largeDrawing {
            let rounds = drawing.nodes.count > hugeDrawing ? 0.5 : 2
            graph.append("  graph [nslimit=\(rounds) nslimit1=\(rounds) mclimit=0.3]")
        }
        if let label = Legend(drawing: drawing).label {
            graph.append("  graph [labelloc=t labeljust=l label=<\(label)>]")
        }
        return graph + [
            """
              node [shape=box style="rounded,filled" \(font) fontsize=11 fontcolor="\(Palette.text.light)" \
            margin="0.08,0.05" height=0.3 width=0.6 penwidth=1]
            """,
            "  edge [\(font) fontsize=9 fontcolor=\"\(Palette.label.light)\" arrowsize=0.6 weight=4]",
        ]
    }

    private static func frame(_ cluster: DrawnCluster) -> [String] {
        let newline = "<br align=\"left\"/>"
        let size = cluster.role == .stage ? 13 : 10
        let subtitle =
            cluster.subtitle.isEmpty
            ? ""
            : "\(newline)<font point-size=\"9\" color=\"\(Palette.subtitle.light)\">\(escaped(cluster.subtitle))</font>\(newline)"
        let (fill, border) =
            cluster.role == .block
            ? (Palette.frame, Palette.frameBorder) : (Palette.stage, Palette.stageBorder)
        let style = cluster.role == .group ? "rounded,filled,dashed" : "rounded,filled"
        return [
            "  subgraph \(quoted("cluster_" + cluster.id)) {",
            """
                graph [style="\(style)" fillcolor="\(fill.light)" color="\(border.light)" margin=10 labeljust=l \
            tooltip=\(quoted(cluster.title)) \
            label=<<font point-size="\(size)"><b>\(escaped(cluster.title))</b></font>\(subtitle)>]
            """,
        ]
    }

    private static func box(_ node: DrawnNode) -> [String] {
        let style = BoxStyle(node.category)
        let arithmetic = node.arithmetic.map(PathStyle.init)
        var fill = style.fill, border = arithmetic?.tone ?? style.border
        var width = arithmetic == nil ? 1.0 : 1.8
        switch node.emphasis {
        case .plain: break
        case .pale: (fill, border, width) = (Palette.paleFill, Palette.paleBorder, 1)
        case .strong: width += 1
        }
        if let heat = node.heat { fill = Palette.heat[max(0, min(heat, Palette.heat.count - 1))] }
        var attributes = "fillcolor=\"\(fill.light)\" color=\"\(border.light)\""
        if width != 1 { attributes += " penwidth=\(width)" }
        if node.category == .terminal { attributes += " style=\"rounded,filled,dashed\"" }
        if node.category == .parameter { attributes += " style=\"filled\"" }
        if node.emphasis == .pale { attributes += " fontcolor=\"\(Palette.paleText.light)\"" }
        attributes += " id=\(quoted(node.id)) class=\(quoted(classes(of: node)))"
        if let url = node.url { attributes += " URL=\(quoted(url))" }
        let tooltip = node.tooltip.isEmpty ? node.name : node.tooltip
        return ["  \(quoted(node.id)) [\(attributes) tooltip=\(quoted(tooltip, keepingLines: true)) label=<"]
            + BoxLabel.lines(of: node).map { "    " + $0 } + ["  >]"]
    }

    /// For style sheets and scripts.
    private static func classes(of node: DrawnNode) -> String {
        [node.category.rawValue, node.arithmetic?.rawValue, node.emphasis == .plain ? nil : node.emphasis.rawValue]
            .compactMap { $0 }.joined(separator: " ")
    }

    private static func arrow(_ edge: DrawnEdge) -> [String] {
        let style = PathStyle(edge.kind)
        var attributes = "color=\"\(style.color)\" penwidth=\(edge.width ?? style.width) style=\(style.dashes)"
        // Graphviz makes heads as much larger as lines are wider.
        if let width = edge.width { attributes += " arrowsize=\(width > 3 ? 0.35 : 0.6)" }
        if edge.isSkip { attributes += " weight=1" }
        let tooltip = quoted(edge.tooltip, keepingLines: true)
        if !edge.tooltip.isEmpty { attributes += " tooltip=\(tooltip)" }
        let (from, to) = (quoted(edge.from), quoted(edge.to))
        guard !edge.lines.isEmpty else { return ["  \(from) -> \(to) [\(attributes)]"] }
        // The padding keeps the text off the line; spaces would be dropped by some viewers of SVG.
        let text = edge.lines.map(escaped).joined(separator: "<br/>")
        let label =
            "<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"4\"><tr><td>\(text)</td></tr></table>>"
        guard edge.isSkip else {
            if !edge.tooltip.isEmpty { attributes += " labeltooltip=\(tooltip)" }
            return ["  \(from) -> \(to) [\(attributes) label=\(label)]"]
        }
        // A short cut runs along the edge of its frame, and Graphviz lets labels there stand out of it. What stands on
        // the line as a box of its own stays inside.
        let middle = quoted("\(edge.from) \(edge.to)")
        return [
            "  \(middle) [shape=plain style=\"\" class=\"label\" fontsize=9 fontcolor=\"\(Palette.label.light)\" "
                + "tooltip=\(tooltip) label=\(label)]",
            "  \(from) -> \(middle) [\(attributes) arrowhead=none]", "  \(middle) -> \(to) [\(attributes)]",
        ]
    }

    /// Invisible arrows inside the first row keep the stages in order; the frames keep the other rows in it.
    private static func rows(_ rows: [[String]]) -> [String] {
        rows.enumerated().map { index, row in
            let nodes = row.map { quoted($0) }.joined(separator: index == 0 ? " -> " : " ")
            return "  { rank=same \(nodes)\(index == 0 ? " [style=invis]" : "") }"
        }
    }
}

/// What lies in each frame; nil is outside all of them.
private struct FrameContents {
    private(set) var frames: [String?: [DrawnCluster]] = [:]
    private(set) var boxes: [String?: [DrawnNode]] = [:]
    private(set) var arrows: [String?: [DrawnEdge]] = [:]

    init(_ drawing: GraphDrawing) {
        let parents = Dictionary(drawing.clusters.map { ($0.id, $0.parent) }) { first, _ in first }
        let frameOfBox = Dictionary(drawing.nodes.map { ($0.id, $0.cluster) }) { first, _ in first }
        frames = Dictionary(grouping: drawing.clusters, by: \.parent)
        boxes = Dictionary(grouping: drawing.nodes, by: \.cluster)
        /// A frame and those around it, the innermost first.
        func around(_ box: String) -> [String] {
            var chain: [String] = []
            var frame = frameOfBox[box] ?? nil
            while let id = frame, chain.count < 8 {
                chain.append(id)
                frame = parents[id] ?? nil
            }
            return chain
        }
        arrows = Dictionary(grouping: drawing.edges) { edge in
            let others = around(edge.to)
            return around(edge.from).first(where: others.contains)
        }
    }
}

/// A double-quoted string of Graphviz's language: `\` begins an escape there, and `&` an entity.
func quoted(_ text: String, keepingLines: Bool = false) -> String {
    let lines = keepingLines ? text.split(separator: "\n").map { escaped(String($0)) } : [escaped(text)]
    return "\"" + lines.map { $0.replacing("\\", with: "\\\\") }.joined(separator: "&#10;") + "\""
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
