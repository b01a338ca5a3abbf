import Foundation

/// Graphviz's SVG with a style sheet behind its first tag:
///
///     <svg …> <style> @media (prefers-color-scheme: dark) { [fill="#ffffff"] { fill: #14171a } … } </style> …
///
/// Viewers that know no style sheets draw it light.
enum SVGPicture {
    static func styled(_ svg: [UInt8]) -> [UInt8] {
        let text = String(decoding: svg, as: UTF8.self)
        guard let start = text.range(of: "<svg"), let end = text.range(of: ">", range: start.upperBound..<text.endIndex)
        else { return svg }
        let style = "\n<style>\n@media (prefers-color-scheme: dark){\n\(Palette.darkRules())\n}\n</style>"
        return Array((text[..<end.upperBound] + style + text[end.upperBound...]).utf8)
    }

    /// The element alone, to stand in a page that has the dark rules itself.
    static func inline(_ svg: [UInt8]) -> String {
        let text = String(decoding: svg, as: UTF8.self)
        guard let start = text.range(of: "<svg") else { return "" }
        // Several pictures in a page may not have the same names of elements.
        return String(text[start.lowerBound...]).replacing(#/ id="[^"]*"/#, with: "")
            .replacing("<svg ", with: "<svg class=\"drawing\" ", maxReplacements: 1)
    }
}

extension GraphvizRenderer {
    /// A picture as an `<svg>` element of a page; `darkStyle` belongs into the page's style sheet.
    public static func inlineSVG(_ drawing: GraphDrawing) throws -> String {
        SVGPicture.inline(try picture(of: DOTWriter.text(for: drawing), as: .svg))
    }

    /// The rules that turn inline pictures dark, for use inside `@media (prefers-color-scheme: dark)`.
    public static var darkStyle: String { Palette.darkRules(scope: "svg.drawing ") }
}
