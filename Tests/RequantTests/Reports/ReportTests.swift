import Foundation
import FoundationXML
import GraphIR
import Reporting
import Requant
import TensorCore
import TestSupport
import Testing

/// A report is one page that stands alone, and says the same in JSON.
struct ReportTests {
    private func page(_ models: [(name: String, model: Model)]) throws -> (report: ModelReport, html: String) {
        var options = ReportOptions()
        options.profiles = false
        let report = try ModelReport(models, on: nil, options)
        return (report, try report.html())
    }

    private func sample() throws -> Model {
        try Model.load(Fixtures.sample("mnist/resnet18-mnist"), shapes: ["data": [1, 1, 28, 28]])
    }

    @Test func thePageHoldsItsJSON() throws {
        let (report, html) = try page([("float", sample()), ("fused", sample().fused().model)])
        let start = try #require(html.range(of: "<script type=\"application/json\" id=\"report\">"))
        let end = try #require(html.range(of: "</script>", range: start.upperBound..<html.endIndex))
        let json = Data(html[start.upperBound..<end.lowerBound].utf8)
        let data = try JSONDecoder().decode(ReportData.self, from: json)
        #expect(data.models.map(\.name) == ["float", "fused"])
        #expect(data.models.map(\.nodes) == [65, 22])
        #expect(data.layers.count == 87 && report.pictures.count == 3)
        #expect(try SchemaChecker(file: "report.schema.json").problems(in: json) == [])
    }

    /// Nothing is fetched: the only addresses are names of XML's namespaces.
    @Test func thePageStandsAlone() throws {
        let html = try page([("float", sample())]).html
        let addresses = Set(html.matches(of: /https?:\/\/[^\s"'<)]*/).map { String($0.output) })
        #expect(addresses.isSubset(of: ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"]))
        for forbidden in ["<link", "@import", "src=", "url("] {
            #expect(!html.contains(forbidden), "\(forbidden)")
        }
    }

    /// Every box leads to a row that exists.
    @Test func boxesLeadToRows() throws {
        let html = try page([("float", sample())]).html
        let links = Set(html.matches(of: /href="#(layer-[0-9]+-[0-9]+)"/).map { String($0.1) })
        #expect(links.count > 20)
        for link in links { #expect(html.contains("id=\"\(link)\""), "\(link)") }
    }

    /// What a file calls its nodes cannot become markup, neither in the tables, nor in the pictures, nor in the JSON.
    @Test func namesCannotBreakOut() throws {
        let name = "</script><script>alert(1)</script><img src=x onerror=\"alert(2)\">'&<!--"
        var graph = Graph(name: name)
        let input = graph.addInput(name, type: ValueType(.float32, [1, 4]))
        let node = graph.add(NodeDraft(name: name, op: name, attributes: [name: .text(name)], inputs: [input]))
        graph.setOutputs(graph[node].outputs)
        let html = try page([(name, Model(graph: graph))]).html
        #expect(html.components(separatedBy: "<script").count == 3)
        #expect(html.components(separatedBy: "</script").count == 3)
        #expect(!html.contains("<img"), "\(html.components(separatedBy: "<img").first?.suffix(200) ?? "")")
        #expect(html.contains("\\u003c/script\\u003e"))
    }

    /// The body but for its scripts is well-formed XML, once what HTML leaves open is closed.
    @Test func thePageIsWellFormed() throws {
        let html = try page([("float", sample()), ("fused", sample().fused().model)]).html
        let main = try #require(html.firstRange(of: /<main>[\s\S]*<\/main>/))
        let xml = html[main].replacing("<br>", with: "<br/>").replacing(/<input([^>]*)>/) { "<input\($0.1)/>" }
            .replacing("&nbsp;", with: "&#160;")
        let parser = XMLParser(data: Data(xml.utf8))
        parser.shouldProcessNamespaces = false
        #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
    }
}
