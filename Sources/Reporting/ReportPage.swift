import Foundation

/// A picture in the page.
public struct ReportPicture: Sendable {
    /// Above the picture.
    public var title: String
    /// Below the picture.
    public var caption: String
    /// An `<svg>` element, as `GraphvizRenderer.inlineSVG` makes it.
    public var svg: String

    /// A picture as SVG.
    public init(title: String, caption: String, svg: String) {
        self.title = title
        self.caption = caption
        self.svg = svg
    }
}

/// One page of HTML that needs nothing else: no network, no other file.
///
///     head: style sheet    body: summary, accuracy, pictures, layers, ranges, JSON, script
public struct ReportPage: Sendable {
    /// What the page tells.
    public var data: ReportData
    /// In the order of the page.
    public var pictures: [ReportPicture]
    /// Rules that turn the pictures dark.
    public var darkPictureStyle: String

    /// A page of its parts.
    public init(_ data: ReportData, pictures: [ReportPicture], darkPictureStyle: String = "") {
        self.data = data
        self.pictures = pictures
        self.darkPictureStyle = darkPictureStyle
    }

    /// - Throws: if the data cannot be written as JSON.
    public func html() throws -> String {
        let sections: [HTML?] = [
            SummarySection(data: data).html, PictureSection(pictures: pictures).html, LayerSection(data: data).html,
            RangeSection(ranges: data.ranges).html,
        ]
        let json = HTML(trusted: try EmbeddedJSON.text(of: data))
        let style = Self.resource(PackageResources.page_css)
        let dark = HTML(trusted: "@media screen and (prefers-color-scheme: dark) {\n\(darkPictureStyle)\n}")
        let page: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
            <title>\(data.title)</title>
            <style>
            \(style)
            \(dark)
            </style>
            </head>
            <body>
            <header>
            <h1>\(data.title)</h1>
            <nav>\(navigation)</nav>
            </header>
            <main>
            \(sections.compactMap { $0 })
            </main>
            <script type="application/json" id="report">\(json)</script>
            <script>
            \(Self.resource(PackageResources.page_js))
            </script>
            </body>
            </html>

            """
        return page.source
    }

    private var navigation: HTML {
        let links: [HTML] = [
            "<a href=\"#summary\">Summary</a>", pictures.isEmpty ? "" : "<a href=\"#pictures\">Pictures</a>",
            "<a href=\"#layers\">Layers</a>", data.ranges.isEmpty ? "" : "<a href=\"#ranges\">Ranges</a>",
        ]
        return "\(links)"
    }

    private static func resource(_ bytes: [UInt8]) -> HTML { HTML(trusted: String(decoding: bytes, as: UTF8.self)) }
}
