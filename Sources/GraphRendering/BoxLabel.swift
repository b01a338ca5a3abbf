/// The text in a box, as one of Graphviz's HTML-like tables with a line of text in each row.
enum BoxLabel {
    /// Longer names are cut in the middle; the whole name is the box's tooltip.
    static let longestName = 44

    static func lines(of node: DrawnNode) -> [String] {
        // On a strong colour everything has to be as dark as the title.
        let tone = node.heat != nil ? Palette.text : node.emphasis == .pale ? Palette.paleText : Palette.detail
        func small(_ text: String) -> String { Self.small(text, tone) }
        var rows = [title(of: node)]
        if node.name != node.title { rows.append(row(small(shortened(node.name)))) }
        rows += node.parts.enumerated().map { index, part in
            let details = part.details.isEmpty ? "" : "&#160; \(small(part.details))"
            return row("<font point-size=\"10\">\(escaped(part.title))</font>\(details)", ruled: index == 0)
        }
        rows += node.lines.enumerated().map { index, line in
            row(small(line), ruled: index == 0 && !node.parts.isEmpty)
        }
        return [
            "<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"2\" color=\"\(Palette.rule.light)\">"
        ]
            + rows.flatMap { $0 } + ["</table>"]
    }

    private static func title(of node: DrawnNode) -> [String] {
        switch node.category {
        case .terminal, .parameter: return row(small(node.title))
        case .quantizing: return row("<font point-size=\"10\">\(escaped(node.title))</font>")
        default:
            let badge = node.arithmetic.map {
                "&#160;<font point-size=\"8\" color=\"\(PathStyle($0).color)\"><b>\($0.rawValue)</b></font>"
            }
            return row("<b>\(escaped(node.title))</b>\(badge ?? "")")
        }
    }

    private static func row(_ content: String, ruled: Bool = false) -> [String] {
        let rule = ["<hr/>"].filter { _ in ruled }
        return rule + ["<tr><td>\(content)</td></tr>"]
    }

    private static func small(_ text: String, _ tone: Tone = Palette.detail) -> String {
        "<font point-size=\"9\" color=\"\(tone.light)\">\(escaped(text.isEmpty ? " " : text))</font>"
    }

    private static func shortened(_ name: String) -> String {
        guard name.count > longestName else { return name }
        return "\(name.prefix(longestName / 2))…\(name.suffix(longestName / 2 - 1))"
    }
}
