/// A colour on white, and what it becomes on black. Both are `#rrggbb` in lower case, as Graphviz writes them.
struct Tone: Hashable {
    let light: String
    let dark: String

    init(_ light: String, _ dark: String) {
        self.light = light
        self.dark = dark
    }
}

/// Every colour of the drawings. The strong ones are those of Okabe and Ito, "Color Universal Design" (2008), which stay
/// apart for the colour-blind; fills are light enough, and in dark mode dark enough, for text of contrast 4.5 : 1.
///
/// No two tones share their light colour: a picture in SVG turns dark by replacing light colours one by one.
enum Palette {
    static let page = Tone("#ffffff", "#14171a")
    static let stage = Tone("#fcfcfc", "#191d21"), stageBorder = Tone("#bfbfbf", "#4a5057")
    static let frame = Tone("#f7f7f7", "#1f242a"), frameBorder = Tone("#d0d0d0", "#434a52")
    static let text = Tone("#1a1a1a", "#eceff1"), heading = Tone("#333333", "#dfe3e6")
    static let label = Tone("#4d4d4d", "#b9c0c6"), detail = Tone("#595959", "#aab2b9")
    static let subtitle = Tone("#6b6b6b", "#98a1a9"), rule = Tone("#b0b0b0", "#5a626a")
    static let paleText = Tone("#767676", "#8b949c"), paleFill = Tone("#fafafa", "#1b1f23")
    static let paleBorder = Tone("#cfcfcf", "#3a4047")

    static let black = Tone("#4c4c4c", "#b8bfc5"), grey = Tone("#8c8c8c", "#8f979e")
    static let blue = Tone("#0072b2", "#56b4e9"), vermilion = Tone("#d55e00", "#ff9d57")
    static let purple = Tone("#cc79a7", "#e3a3c6"), orange = Tone("#e69f00", "#f0b733")

    /// From little to much: one hue, so that lightness alone tells the order.
    static let heat = [
        Tone("#fff7ec", "#231d16"), Tone("#fee8c8", "#3a2815"), Tone("#fdd49e", "#523214"), Tone("#fdbb84", "#6c3c12"),
        Tone("#fca15f", "#7a3e0f"), Tone("#fb8b4b", "#8f450b"), Tone("#f97c3c", "#a34c06"),
    ]

    private static let tones: [Tone] =
        [
            page, stage, stageBorder, frame, frameBorder, text, heading, label, detail, subtitle, rule, paleText,
            paleFill, paleBorder, black, grey, blue, vermilion, purple, orange,
        ] + heat + DrawnNode.Category.allCases.flatMap { [BoxStyle($0).fill, BoxStyle($0).border] }

    /// Style rules that turn a picture of Graphviz's dark: presentation attributes are replaced, element by element.
    /// - Parameter scope: in front of each selector, such as `svg.drawing `.
    static func darkRules(scope: String = "") -> String {
        var seen = Set<String>()
        return tones.filter { seen.insert($0.light).inserted }.map { tone in
            "\(scope)[fill=\"\(tone.light)\"]{fill:\(tone.dark)}\(scope)[stroke=\"\(tone.light)\"]{stroke:\(tone.dark)}"
        }.joined(separator: "\n")
    }
}
